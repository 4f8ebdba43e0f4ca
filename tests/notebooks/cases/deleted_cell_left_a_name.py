# expect: promote.hidden-state 3
# counts: 1 2 4
# says: `rate`
# finds: unused-step 3, undefined-name 3

# %% imports
import math
# %% step:make
rows = [1, 2]
# %% step:use
out = sum(rows) * rate
