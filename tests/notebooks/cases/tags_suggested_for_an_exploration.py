# expect: suggested
# true: by_kind.tolist() == [2.0, 6.0]
# true: open('by_kind.csv').read().split() == ['kind,b', 'a,2.0', 'c,6.0']
# needs: kernel

# %% imports
import matplotlib.pyplot as plt
import pandas as pd
# %% functions
def doubled(frame):
    return frame * 2
# %% step:load
df = pd.DataFrame({'kind': ['a', 'c', 'c'], 'a': [1.0, 3.0, None]})
# %% skip
df.head()
# %% skip
plt.hist(df['a'])
plt.show()
# %% step:features
df['b'] = doubled(df['a'])
df = df.dropna()
# %% step:features
by_kind = df.groupby('kind')['b'].mean()
by_kind.to_csv('by_kind.csv')
