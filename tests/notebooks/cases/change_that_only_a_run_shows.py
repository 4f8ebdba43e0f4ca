# expect: equal
# true: out == ([1, 9], [2, 8])
# needs: kernel

# %% step:make
rows, others = [1], [2]
tasks = [(rows, 9), (others, 8)]
# %% step:change
for target, value in tasks:
    getattr(target, 'app' + 'end')(value)
# %% step:use
out = rows, others
