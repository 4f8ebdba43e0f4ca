# expect: equal
# true: out == (1, [2, 3], 4, 5, 6, 7, ['y', 'x'], 3)

# %% step:make
first, *middle, last = 1, 2, 3, 4
(a, [b, c]) = 5, [6, 7]
pair = ['x', 'y']
# %% step:change
pair[0], pair[1] = pair[1], pair[0]
# %% step:use
for number, (key, value) in enumerate({'p': 2, 'q': 3}.items()):
    pass
out = first, middle, last, a, b, c, pair, value
