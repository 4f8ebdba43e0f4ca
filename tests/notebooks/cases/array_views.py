# expect: equal
# true: out == ([0, 9, 2, 3], [9, 2, 3])
# real: the memory of arrays is shared anew in each process

# %% imports
import numpy as np
# %% step:load
u = np.arange(4)
v = u[1:]
# %% step:change
v[0] = 9
# %% step:use
out = u.tolist(), v.tolist()
