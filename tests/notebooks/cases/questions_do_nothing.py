# expect: equal
# true: out == 3
# needs: kernel

# %% step:make
rows = [1, 2]
rows?
# %% step:more
rows.append(3)
?rows
# %% step:use
len??
out = len(rows)
