# expect: equal
# true: out == [1, 2]

# %% step:make
def collect(x, seen=[]):
    seen.append(x)
    return list(seen)
collect(1)
# %% step:use
out = collect(2)
