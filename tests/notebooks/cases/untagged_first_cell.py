# expect: equal
# true: total == 12

# %%
base = 4
# %% step:use
double = base * 2
# %% step:report
total = double + base
