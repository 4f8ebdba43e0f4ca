# expect: equal
# true: out == (True, 120)

# %% imports
from math import *
# %% step:make
power = pow(2, 3)
# %% step:use
out = isinstance(power, float) and isinstance(pow(1, 1), float), factorial(5)
