# expect: equal
# true: out == (6, 30, 7)

# %% step:make
factor = 2
def early(x, k=factor):
    return x * k
def late(x):
    return x * factor
# %% step:change
factor = 10
# %% step:use
shift = lambda x, by=factor // 10: x + by
out = early(3), late(3), shift(6)
