# expect: equal
# true: out == (3, 2, 7)

# %% step:a
x = 1
# %% step:b
y = 2
# %% step:a
z = x + 6
# %% step:c
out = x + y, y, z
