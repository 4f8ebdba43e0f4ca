# expect: equal
# true: out == (['id', 'x', 'z'], [1, 5, 3], [10.0, 0.0, 30.0], 'row', [2, 4])
# true: same is df
# real: pandas shares and copies on write in each process

# %% imports
import pandas as pd
# %% step:load
df = pd.DataFrame({'id': [1, 2, 3], 'a': [10.0, None, 30.0], 'b': [7, 8, 9], 'c': [2, 4, 6]})
same = df
# %% step:clean
df.drop(columns='b', inplace=True)
df.rename(columns={'a': 'x'}, inplace=True)
df.fillna({'x': 0.0}, inplace=True)
# %% step:change
df.loc[1, 'id'] = 5
df['z'] = df['id'] * 2
df.index.name = 'row'
taken = df.pop('c')
# %% step:report
out = list(same.columns), same['id'].tolist(), same['x'].tolist(), same.index.name, taken[:2].tolist()
