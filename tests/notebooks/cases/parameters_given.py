# expect: equal
# given: {'n': -7, 'name': 'it\'s "so"', 'rate': 1e-9, 'flag': False, 'items': [None, -1], 'deep': {'k': [True]}, 'N': 2}
# true: out == (-7, 'it\'s "so"', 1e-9, False, [None, -1, 'more'], {'k': [True]}, 2, -5)
# real: papermill injects them, and steps read a file

# %% parameters
n: int = 1
N: int = 5  # another one
name = 'ada'
rate: float = 0.5
flag: bool = True
items: list = []
deep = {'k': [1]}
# %% step:change
items.append('more')
n += N
# %% step:use
both = n
n -= N
# %% step:report
out = n, name, rate, flag, items, deep, N, both
