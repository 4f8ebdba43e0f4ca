# expect: equal
# true: root == 18.0

# %% imports
from math import *
# %% step:use
area = floor(pi * 100)
# %% step:more
root = sqrt(area + 10)
