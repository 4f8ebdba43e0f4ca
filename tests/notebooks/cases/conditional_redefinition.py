# expect: equal
# true: out == -4

# %% parameters
log = True
# %% step:make
def transform(x):
    return x
if log:
    def transform(x):
        return -x
# %% step:use
out = transform(4)
