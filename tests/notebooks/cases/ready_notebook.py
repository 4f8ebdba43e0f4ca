# expect: equal
# true: out == 1.5
# finds: nothing
# counts: 1 2 3 4

# %% imports
import statistics
# %% parameters
cut: int = 2
# %% step:load
rows = [1, 2, 3][:cut]
# %% step:report
out = statistics.mean(rows)
print(out)
