# expect: equal
# true: out == ('old', 'new', False)

# %% functions
class Model:
    def kind(self):
        return 'old'
# %% step:make
model = Model()
# %% step:change
class Model:
    def kind(self):
        return 'new'
# %% step:use
out = model.kind(), Model().kind(), isinstance(model, Model)
