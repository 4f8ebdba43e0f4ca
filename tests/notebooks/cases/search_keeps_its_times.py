# expect: equal
# true: depth in (1, 2)
# real: fitting takes another time in each process
# shows: output search, output checked, printed 4

# %% imports
from scipy.stats import loguniform
from sklearn.datasets import load_iris
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV, cross_validate
from sklearn.tree import DecisionTreeClassifier
# %% step:load
X, y = load_iris(return_X_y=True)
# %% step:search
search = GridSearchCV(DecisionTreeClassifier(random_state=0), {'max_depth': [1, 2]}, cv=2)
search.fit(X, y)
checked = cross_validate(search.best_estimator_, X, y, cv=2)
ridge = RandomizedSearchCV(Ridge(), {'alpha': loguniform(0.1, 1)}, n_iter=2, cv=2, random_state=1)
ridge.fit(X, y)
# %% step:report
depth = search.best_params_['max_depth']
print(depth, checked['test_score'], ridge.best_params_)
print(f"fitted in {checked['fit_time'].mean():.6f} s")
