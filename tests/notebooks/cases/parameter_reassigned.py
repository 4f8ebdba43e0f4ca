# expect: equal
# true: total == 41

# %% parameters
depth = 2
# %% step:load
depth = depth * 10
first = depth
# %% step:use
depth += 1
# %% step:report
total = depth + first
