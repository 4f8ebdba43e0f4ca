# expect: equal
# true: same == (True, True)
# real: each process has a class of its own

# %% functions
class Model:
    def __init__(self, k):
        self.k = k
    def __eq__(self, other):
        return type(self) is type(other) and self.k == other.k
# %% step:make
model = Model(3)
# %% step:use
same = isinstance(model, Model), model == Model(3)
