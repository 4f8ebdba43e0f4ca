# expect: equal
# true: out == 3

# %% step:make
rows = [1, 2]
# %% test
assert rows == [1, 2], 'rows'
# %% step:use
out = sum(rows)
