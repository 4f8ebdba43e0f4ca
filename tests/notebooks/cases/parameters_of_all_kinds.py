# expect: equal
# true: out == repr([None, True, 'it\'s "quoted"\n', -1e-3, [1, 'two', None], {'a': {'b': (1, 2)}}])

# %% parameters
nothing = None
yes: bool = True
text = 'it\'s "quoted"\n'
rate: float = -1e-3
items = [1, 'two', None]
deep = {'a': {'b': (1, 2)}}
# %% step:use
kept = [nothing, yes, text, rate, items, deep]
# %% step:report
out = repr(kept)
