# expect: checked
# finds: absolute-path 2, missing-file 3, missing-module 4

# %% imports
import pandas as pd
# %% step:load
home = pd.read_csv('/home/ada/data/rows.csv')
# %% step:more
rows = pd.read_csv('rows_that_are_not_there.csv')
# %% step:helpers
import helpers_that_are_not_there as helpers
out = helpers.join(home, rows)
print(out)
