# expect: equal
# true: thirds == '[0.33]'
# shows: printed 3
# needs: kernel

# %% imports
import numpy as np
np.set_printoptions(precision=2)
# %% step:make
numbers = np.array([1.0]) / 3
# %% step:use
thirds = str(numbers)
print(numbers)
