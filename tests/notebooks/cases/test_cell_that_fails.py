# expect: rerun.cell-failed 2
# when: run
# says: AssertionError

# %% step:make
rows = [1, 2]
# %% test
assert rows == [2, 1], 'the order'
# %% step:use
out = sum(rows)
