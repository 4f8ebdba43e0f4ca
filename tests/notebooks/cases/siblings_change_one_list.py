# expect: equal
# true: last == (6, 1)

# %% step:load
rows = [3, 1, 2]
# %% step:sort
rows.sort()
# %% step:grow
rows.append(sum(rows))
# %% step:report
last = rows[-1], rows[0]
