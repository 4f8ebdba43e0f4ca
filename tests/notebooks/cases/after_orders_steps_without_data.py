# expect: equal
# true: out == 3
# edges: second: first; third: second; last: third
# travels: third: n

# %% step:first
a = 1
# %% step:second after:first
b = 2
# %% step:third after:second
n = 3
# %% step:last
out = n
