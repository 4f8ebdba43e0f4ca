# expect: equal
# true: answer == 50

# %% step:make
factor = 2
def scale(x):
    return x * factor
# %% step:change
factor = 5
# %% step:use
answer = scale(10)
