# expect: pipeline.unordered 3

# %% step:load
rows = [1]
# %% step:a after:load
rows.append(2)
# %% step:b after:load
rows.append(3)
# %% step:c
out = rows
