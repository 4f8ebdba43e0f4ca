# expect: equal
# true: out == 4
# notice: 2 uses `rows` of the step `make` at once

# %% step:make
rows = [1, 2]
# %% functions
size = len(rows)
def grown(n=size):
    return n * 2
# %% step:use
out = grown()
