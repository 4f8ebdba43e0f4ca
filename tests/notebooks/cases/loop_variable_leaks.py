# expect: equal
# true: out == 6

# %% step:make
for i in range(3):
    last = i * i
# %% step:use
out = i + last
