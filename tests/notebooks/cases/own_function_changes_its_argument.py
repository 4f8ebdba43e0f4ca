# expect: equal
# true: out == ([1, 2, 5], {'n': 3})

# %% functions
def extend(rows, *more):
    for each in more:
        rows.append(each)
def note(**given):
    given['into']['n'] = given['size']
# %% step:make
rows, facts = [1], {}
# %% step:change
extend(rows, 2, 5)
# %% step:facts
note(into=facts, size=len(rows))
# %% step:use
out = rows, facts
