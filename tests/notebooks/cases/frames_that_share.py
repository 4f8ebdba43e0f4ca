# expect: equal
# true: out == (['a', 'b'], 6)

# %% imports
import pandas as pd
# %% step:load
df = pd.DataFrame({'a': [1, 2]})
same = df
# %% step:change
df['b'] = df['a'] * 2
# %% step:use
out = list(same.columns), int(same['b'].sum())
