# expect: equal
# true: out == ([3, 2, 1], ['c', 'b', 'a'], 'c', [30, 20, 10])

# %% imports
import pandas as pd
# %% step:load
df = pd.DataFrame({'k': ['a', 'b', 'c'], 'v': [1, 2, 3]})
# %% step:sort
df.sort_values('v', ascending=False, inplace=True)
df.reset_index(drop=True, inplace=True)
# %% step:index
by_key = df.set_index('k')
by_key['w'] = by_key['v'] * 10
df.insert(0, 'first', df['k'].iloc[0])
# %% step:use
out = df['v'].tolist(), by_key.index.tolist(), df['first'].iloc[-1], by_key['w'].tolist()
