# expect: pipeline.undefined-name 3

# %% step:make
rows = [1, 2]
# %% step:drop
del rows
# %% step:use
total = sum(rows)
