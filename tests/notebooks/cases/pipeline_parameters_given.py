# expect: equal
# given: {'CANDIES': 3, 'who': None}
# true: out == (3, None, 2)

# %% pipeline-parameters
CANDIES = 20
who = None
depth = 2
# %% step:use
kept = CANDIES, who
# %% step:report
out = *kept, depth
