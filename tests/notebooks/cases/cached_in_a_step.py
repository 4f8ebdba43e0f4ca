# expect: equal
# true: out == (5, 13, 6)
# real: what keeps results is pickled

# %% step:make
import functools
def traced(f):
    @functools.wraps(f)
    def inner(*given):
        return f(*given)
    return inner
@functools.lru_cache(maxsize=16)
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)
@traced
@functools.cache
def twice(n):
    return 2 * n
first = fib(5)
# %% step:use
out = first, fib(7), twice(3)
