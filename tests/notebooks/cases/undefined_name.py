# expect: pipeline.undefined-name 2

# %% step:make
rows = [1]
# %% step:use
out = row
