# expect: equal
# true: total == 6
# shows: printed 2
# needs: kernel

# %% imports
import time
# %% step:work
start = time.perf_counter()
total = sum([1, 2, 3])
print(f'{total} took {time.perf_counter() - start:.6f} s')
# %% step:use
out = total
