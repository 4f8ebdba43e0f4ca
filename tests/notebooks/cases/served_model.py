# expect: equal
# true: [round(each, 6) for each in predict(X.head(2))] == [1.0, 3.0]
# shows: serving predictions, serving model, output model
# needs: kernel

# %% imports
import pandas as pd
from sklearn.linear_model import LinearRegression
# %% parameters
slope: float = 2.0
# %% step:load
X = pd.DataFrame({'x': [0.0, 1.0, 2.0, 3.0]})
y = slope * X['x'] + 1
# %% step:train
model = LinearRegression().fit(X, y)
# %% step:check metrics
error = float(abs(model.predict(X) - y).max()) > 1e-9
# %% serve
def predict(rows):
    return model.predict(rows)

predict(X.head(2))
