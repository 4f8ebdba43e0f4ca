# expect: equal
# true: out == ([1, 2, 3], {'a': 1, 'b': 2}, [1, 2, 3])
# real: each process has parameters of its own

# %% parameters
items = [1]
table = {'a': 1}
# %% step:first
items.append(2)
mine = items
# %% step:second
items.append(3)
table['b'] = 2
# %% step:use
out = items, table, mine
