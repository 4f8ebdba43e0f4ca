# expect: checked
# finds: fit-before-split 3, fit-on-test 5

# %% imports
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
# %% step:load
X, y = [[1.0], [2.0], [3.0], [4.0]], [0, 1, 0, 1]
# %% step:scale
scaled = StandardScaler().fit_transform(X)
# %% step:split
X_train, X_test, y_train, y_test = train_test_split(scaled, y, random_state=0)
# %% step:again
scaler = StandardScaler()
tested = scaler.fit_transform(X_test)
print(tested, X_train, y_train, y_test)
