# expect: equal
# true: out == (-25, -3, 5)

# %% parameters
n = -3
N = 5
# %% step:use
both = n * 10 + N
# %% step:report
out = both, n, N
