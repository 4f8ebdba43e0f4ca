# expect: parameters.not-plain 1

# %% parameters
n = len('abc')
# %% step:use
out = n
