# expect: promote.hidden-state 2
# counts: 1 3 2
# says: cell 3

# %% step:make
rows = [1, 2]
# %% step:use
total = sum(rows) + extra
# %% step:late
extra = 5
