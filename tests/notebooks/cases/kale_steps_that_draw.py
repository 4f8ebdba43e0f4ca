# expect: random
# random: first 5, second 5, cell 7 5, cell 8 5, cell 9 5
# true: 1 <= first <= APPLES and 0 <= second <= APPLES - first
# needs: kernel
# edges: ann: basket; bob: ann; eve: ann, bob
# shows: printed 6

# %% imports
import random
# %% skip
!pip3 install --user nothing-that-is-needed
# %% imports
import json
# %% pipeline-parameters
APPLES = 1_000_000_000_000
# %% functions
def take(left):
    taken = random.randint(1, left) if left else 0
    print(f'{taken} apples')
    return taken
# %% step:basket
print(json.dumps({'apples': APPLES}))
# %% step:ann prev:basket
first = take(APPLES)
# %% step:bob prev:ann
second = take(APPLES - first)
# %% step:eve prev:bob prev:ann
third = take(APPLES - first - second)
