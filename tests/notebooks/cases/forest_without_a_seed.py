# expect: random
# random: X_train 3, X_test 3, y_train 3, y_test 3, model 3, spread 3
# true: len(X_train) == 150
# needs: kernel

# %% imports
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split
# %% step:load
X, y = make_classification(200, random_state=0)
# %% step:split
X_train, X_test, y_train, y_test = train_test_split(X, y)
# %% step:train
model = RandomForestClassifier(3).fit(X_train, y_train)
# %% step:evaluate metrics
spread = float(X_test[:, 0].sum() + y_test.sum())
assert 0 <= model.score(X_test, y_test) <= 1
