# expect: equal
# true: out == (True, 2.0, 2, [0, 1])

# %% imports
import numpy as np
from sklearn.linear_model import LinearRegression, SGDClassifier
# %% step:make
model = LinearRegression(fit_intercept=False)
online = SGDClassifier(random_state=0)
X = np.array([[1.0], [2.0]])
# %% step:fit
best = model.fit(X, [2, 4])
online.partial_fit(X, [0, 1], classes=[0, 1])
# %% step:more
online.partial_fit(X, [0, 1])
model.set_params(copy_X=False)
# %% step:use
out = best is model, round(float(model.coef_[0]), 9), int(online.t_) // 2, online.classes_.tolist()
