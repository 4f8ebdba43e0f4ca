# expect: equal

# %% step:make
x = 1
# %% skip
x = 100
# %% test
assert False
# %% step:use
out = x
