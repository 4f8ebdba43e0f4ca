# expect: equal
# true: out == (3, 2, [4, 9], 9)

# %% step:make
rows = [1, 2, 3]
if (count := len(rows)) > 2:
    left = count - 1
# %% step:use
kept = [square for row in rows if (square := row * row) > 2]
# %% step:report
out = count, left, kept, square
