# expect: equal
# true: out == ([1, 2], [100, 2], [1, 2], [1, 2, 3])

# %% imports
import pandas as pd
# %% step:load
df = pd.DataFrame({'a': [1, 2], 'b': [3, 4]})
column = df['a']
part = df[['a']]
rows = [1, 2, 3]
# %% step:change
column[0] = 100
part.loc[1, 'a'] = 50
kept = pd.Series(rows)
kept[0] = 9
# %% step:use
out = df['a'].tolist(), column.tolist(), df['a'].tolist(), rows
