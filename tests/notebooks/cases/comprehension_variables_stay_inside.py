# expect: equal
# true: total == 14 + 7 + 6

# %% step:load
x = 7
rows = [1, 2, 3]
# %% step:use
squares = [x * x for x in rows]
kept = [y for row in rows if (y := row * 2) > 2]
# %% step:report
total = sum(squares) + x + y
