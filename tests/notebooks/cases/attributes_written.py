# expect: equal
# true: out == (0.5, [1, 2], 0.5, False)

# %% imports
from types import SimpleNamespace
# %% step:make
settings = SimpleNamespace(rate=0.1, seen=[1], old=True)
same = settings
# %% step:change
settings.rate = 0.5
settings.seen.append(2)
del settings.old
# %% step:use
out = same.rate, same.seen, settings.rate, hasattr(same, 'old')
