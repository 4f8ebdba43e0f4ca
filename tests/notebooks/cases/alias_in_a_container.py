# expect: equal
# true: out == ([1, 2], True, [1, 2])

# %% step:make
left = [1]
pair = {'left': left, 'right': [0]}
nested = [(left,)]
# %% step:change
pair['left'].append(2)
# %% step:use
out = left, pair['left'] is left, nested[0][0]
