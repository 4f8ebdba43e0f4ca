# expect: equal
# true: out == ([1, 2, 3], [10, 20, 30], [[9, 0], [0, 9]], [2, 4, 6], [5, 5, 5], [0, 7, 0])

# %% imports
import numpy as np
# %% step:load
a = np.array([3, 1, 2])
b = np.zeros(3, dtype=int)
m = np.zeros((2, 2), dtype=int)
c, d, e = np.array([1, 2, 3]), np.zeros(3, dtype=int), np.zeros(3, dtype=int)
doubled = c
# %% step:work
a.sort()
np.multiply(a, 10, out=b)
np.fill_diagonal(m, 9)
# %% step:more
c *= 2
d.fill(5)
np.put(e, 1, 7)
# %% step:use
out = a.tolist(), b.tolist(), m.tolist(), doubled.tolist(), d.tolist(), e.tolist()
