# expect: equal
# true: out == (2, 10, [0, 1], 5)

# %% parameters
n = 2
k = 5
# %% functions
def scaled(n, by=5):
    return n * by
def shifted(k):
    def inner():
        n = k
        return n
    return inner()
# %% step:use
ten = scaled(2)
each = [n for n in range(2)]
# %% step:report
out = n, ten, each, shifted(k)
