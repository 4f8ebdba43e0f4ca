# expect: equal
# true: out == (9, [2, 2, 2], [0, 1, 2])

# %% step:make
scale = 2
triple = lambda x: x * scale
late = [lambda: i for i in range(3)]
bound = [lambda i=i: i for i in range(3)]
# %% step:change
scale = 3
# %% step:use
out = triple(3), [f() for f in late], [f() for f in bound]
