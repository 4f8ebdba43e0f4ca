# expect: pipeline.nothing-feeds 2

# %% step:a
x = 1
# %% step:b after:c
y = x
