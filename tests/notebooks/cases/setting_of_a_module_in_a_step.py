# expect: equal
# true: thirds == '[0.33]'
# notice: 2 the steps behind it make this setting too
# shows: printed 4
# needs: kernel

# %% imports
import numpy as np
# %% step:make
np.set_printoptions(precision=2)
numbers = np.array([1.0]) / 3
# %% step:use
thirds = str(numbers)
# %% step:use
print(numbers)
# %% step:report
out = len(thirds)
