# expect: equal
# true: out == 8
# true: (mean, PEOPLE, best) == (4.0, 2, 'b')
# edges: count: load_data; pick: load_data; tell: count, pick
# shows: metric mean, printed 12
# real: the whole way of a Kale notebook

# %% imports
import statistics
# %% imports
from collections import Counter
# %% pipeline-parameters
PEOPLE = 2
# %% functions
def double(x):
    return 2 * x
# %% skip
!pip3 install --user -r requirements.txt
# %% block:load_data limit:nvidia.com/gpu:1
rows = [1, 3]
# %%
rows = [double(row) for row in rows]
# %% block:count prev:load_data
counts = Counter({'a': 1, 'b': PEOPLE})
mean = statistics.mean(rows) + 0.0
# %% step:pick prev:load_data
total = sum(rows)
# %% step:tell prev:count prev:pick image:docker.io/some/image
best = counts.most_common(1)[0][0]
out = total
# %% skip
print(nothing_of_this_runs)
# %% pipeline-metrics
print(mean)
print(best)
