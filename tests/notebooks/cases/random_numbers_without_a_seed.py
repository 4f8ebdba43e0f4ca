# expect: random
# random: noise 2, total 2, cell 4 2
# true: len(noise) == 3 and clean == 6
# finds: unseeded-randomness 2
# needs: kernel

# %% imports
import random
# %% step:draw
noise = [random.random() for _ in range(3)]
# %% step:sum
total, clean = sum(noise), sum([1, 2, 3])
# %% step:report
print('the sum is', total)
out = total, clean
