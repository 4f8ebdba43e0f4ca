# expect: equal
# true: last == 6
# notice: 3 joins the step `use`

# %% step:make
rows = [1, 2]
# %% step:use
total = sum(rows)
# %%
last = total * 2
