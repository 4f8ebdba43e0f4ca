# expect: pipeline.cycle 1

# %% step:a
x = 1
# %% step:b
y = x + 1
# %% step:a
z = y + 1
