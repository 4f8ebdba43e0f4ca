# expect: equal
# true: out == (6, 3, [1, 2, 3])
# edges: total: load; size: load; report: load, total, size
# travels: load: rows; total: total; size: size
# real: two processes at a time

# %% step:load
rows = [1, 2, 3]
big = list(range(1000))
# %% step:total after:load
total = sum(rows)
# %% step:size after:load
size = len(rows)
# %% step:report
out = total, size, rows
