# expect: equal
# true: abs(score - 1.0) < 1e-9
# true: [round(each, 6) for each in predicted] == [5.0, 23.0]
# true: (len(X_train), len(X_test)) == (15, 5)
# true: round(float(scaler.mean_[0]), 6) == round(float(X_train.mean()), 6)
# shows: metric score
# finds: unused-step 7
# real: scikit-learn in forks of a warm process

# %% imports
import numpy as np
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
# %% step:load
X = np.arange(20.0).reshape(-1, 1)
y = 2 * X[:, 0] + 3
# %% step:split
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, random_state=0)
# %% step:scale
scaler = StandardScaler()
scaler.fit(X_train)
# %% step:train
model = make_pipeline(StandardScaler(), LinearRegression())
model.fit(X_train, y_train)
# %% step:evaluate metrics
score = model.score(X_test, y_test)
# %% step:predict
predicted = model.predict(np.array([[1.0], [10.0]])).tolist()
