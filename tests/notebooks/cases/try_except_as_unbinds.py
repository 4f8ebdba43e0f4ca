# expect: equal
# true: out == ('ZeroDivisionError', False)

# %% step:make
error = 'kept'
try:
    1 / 0
except ZeroDivisionError as problem:
    error = type(problem).__name__
# %% step:use
there = 'problem' in globals()
out = error, there
