# expect: equal
# true: out == {'a': [1, 0], 'b': [2, 0]}

# %% step:make
groups = {'a': [1], 'b': [2]}
views = list(groups.values())
# %% step:change
for view in views:
    view.append(0)
# %% step:use
out = groups
