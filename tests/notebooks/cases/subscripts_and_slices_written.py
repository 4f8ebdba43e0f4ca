# expect: equal
# true: out == [[8, 0], [0, 0, 5]]
# true: table == {'b': 2, ('c', 1): 3}

# %% step:make
grid = [[0] * 3 for _ in range(2)]
table = {'a': 1, 'b': 2}
# %% step:change
grid[1][2] = 5
grid[0][:2] = [7, 8]
# %% step:again
del grid[0][0]
del table['a']
table['c', 1] = 3
# %% step:use
out = grid
table
