# expect: equal
# true: out == 7

# %% imports
from functools import cache, wraps
# %% functions
def twice(f):
    @wraps(f)
    def inner(x):
        return f(f(x))
    return inner
@twice
def inc(x):
    return x + step_size
# %% step:make
step_size = 3
# %% step:use
out = inc(1)
