# expect: equal
# true: scores['Name'].tolist() == ['line', 'mean'] and scores.index.tolist() == [1.0, 0.0]
# edges: prepare: load; line: prepare; mean: prepare; results: line, mean
# shows: printed 14
# needs: kernel

# %% imports
import numpy as np
import pandas as pd
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression
# %% block:load
LABEL = 'y'
train_df = pd.DataFrame({'x': np.arange(6.0), 'id': range(6)})
test_df = train_df.copy()
train_df[LABEL] = 3 * train_df['x'] + 1
# %% skip
train_df.describe()
# %% block:prepare prev:load
data = [train_df, test_df]
for dataset in data:
    dataset['double'] = dataset['x'] * 2
# %% skip
axes = this_was_a_plot(train_df)
# %%
train_df = train_df.drop(['id'], axis=1)
# %% block:
for dataset in data:
    dataset['x'] = dataset['x'].astype(int)
# %%
labels = train_df[LABEL]
train_df = train_df.drop(LABEL, axis=1)
# %% block:line prev:prepare
line = LinearRegression()
line.fit(train_df, labels)
line_score = round(line.score(train_df, labels), 2)
# %% skip
serve(line)
# %% block:mean prev:prepare
mean = DummyRegressor().fit(train_df, labels)
mean_score = round(mean.score(train_df, labels), 2)
# %% block:results prev:line prev:mean
results = pd.DataFrame({'Name': ['mean', 'line'], 'Score': [mean_score, line_score]})
# %%
scores = results.sort_values(by='Score', ascending=False).set_index('Score')
# %%
print(scores)
