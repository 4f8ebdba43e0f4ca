# expect: equal
# true: out == 12

# %% step:make
x = 1
y = x + 1
del x
# %% step:again
x = 10
# %% step:use
out = x + y
