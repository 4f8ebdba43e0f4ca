# expect: pipeline.undefined-name 2

# %% step:make
try:
    int('x')
except ValueError as problem:
    pass
# %% step:use
words = str(problem)
