# expect: suggested
# true: round(score, 9) == 1.0
# needs: kernel

# %% imports
import pandas as pd
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import train_test_split
# %% parameters
test_size = 0.25
seed = 0
# %% step:load
df = pd.DataFrame({'x': range(20)})
df['y'] = 2 * df['x'] + 1
# %% step:features
df['double'] = df['x'] * 2
X, y = df[['x', 'double']], df['y']
# %% step:split
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=test_size, random_state=seed)
# %% step:train
model = LinearRegression()
model.fit(X_train, y_train)
# %% step:evaluate metrics
score = model.score(X_test, y_test)
print(score)
# %% serve
def predict(rows):
    return model.predict(rows)

predict(X_test.head(3))
