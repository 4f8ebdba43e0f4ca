# expect: pipeline.nothing-feeds 2

# %% block:load
x = 1
# %% block:train prev:laod
y = x
