# expect: equal
# true: first == 0.8444218515250481 and second == 0.7579544029403025
# true: legacy == [5, 0, 3] and own.shape == (2,)
# finds: nothing
# needs: kernel

# %% imports
import random
import numpy as np
# %% step:seed
random.seed(0)
first = random.random()
np.random.seed(0)
# %% step:draw
second = random.random()
legacy = np.random.randint(0, 10, 3).tolist()
generator = np.random.default_rng(1)
generator.random()
# %% step:more
own = generator.random(2)
third = random.random()
# %% step:report
again = np.random.default_rng(1).random(3)
assert again[1:].tolist() == own.tolist()
print(third)
