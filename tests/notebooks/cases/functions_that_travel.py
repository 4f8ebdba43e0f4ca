# expect: equal
# true: out == (8, 5, 12, 3, [3, 1, 2], True)
# real: functions are pickled with what they need

# %% imports
from functools import partial
from operator import itemgetter
# %% functions
class Tally:
    def __init__(self):
        self.n = 0
    def add(self, by=1):
        self.n += by
        return self.n
def power(base, exponent):
    return base ** exponent
# %% step:make
cube = partial(power, exponent=3)
def adder(k):
    return lambda x: x + k
add_two = adder(2)
tally = Tally()
add = tally.add
times = lambda x: x * factor
factor = 4
by_second = itemgetter(1)
# %% step:change
add()
add(by=2)
# %% step:use
words = [('c', 2), ('a', 0), ('b', 1)]
out = cube(2), add_two(3), times(3), tally.n, [n + 1 for _, n in words], add.__self__ is tally
