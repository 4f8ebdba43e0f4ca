# expect: equal
# true: total == 6

# %% step:load
rows = [1, 2]
# %%
rows.append(3)
# %% step:report
total = sum(rows)
