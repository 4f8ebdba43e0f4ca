# expect: equal
# true: out == 5
# real: only the run shows what is bound

# %% step:make
globals()['made'] = 4
# %% step:use
out = made + 1
