# expect: equal
# true: out == (['a', 'b'], [1, 5], [('a', 1), ('b', 5)])
# real: what travels is pickled

# %% step:make
table = {'a': 1}
names, numbers, both = table.keys(), table.values(), table.items()
# %% step:change
table['b'] = 5
# %% step:use
out = list(names), list(numbers), list(both)
