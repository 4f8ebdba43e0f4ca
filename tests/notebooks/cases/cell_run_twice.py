# expect: promote.hidden-state 2
# ran: 1 2 2 3
# says: `rows`

# %% step:make
rows = [1, 2]
# %% step:change
rows = rows + [3]
# %% step:use
out = sum(rows)
