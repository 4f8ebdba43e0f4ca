# expect: equal
# true: out is True
# real: the state of generators travels

# %% imports
import random
random.seed(4)
# %% step:first
a = random.random()
# %% step:second
b = random.random()
# %% step:report
import random as check
check.seed(4)
out = [a, b] == [check.random(), check.random()]
