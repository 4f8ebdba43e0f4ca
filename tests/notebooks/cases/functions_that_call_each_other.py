# expect: equal
# true: out == (True, False, 8)

# %% functions
def even(n):
    return n == 0 or odd(n - 1)
# %% functions
def odd(n):
    return n != 0 and even(n - 1)
# %% step:make
def scaled(n):
    return helper(n) * 2
# %% step:later
def helper(n):
    return n + 1
# %% step:use
out = even(4), even(3), scaled(3)
