# expect: pipeline.cannot-travel 1
# says: cell 2

# %% step:make
numbers = (n * n for n in range(3))
# %% step:use
out = sum(numbers)
