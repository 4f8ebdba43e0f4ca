# expect: parameters.two-cells 2

# %% parameters
n = 1
# %% pipeline-parameters
k = 2
# %% step:use
out = n + k
