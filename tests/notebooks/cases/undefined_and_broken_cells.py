# expect: checked
# finds: undefined-name 1, syntax-error 2

# %% step:make
total = sum(rows)
print(total)
# %% step:broken
if total >
