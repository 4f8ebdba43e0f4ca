# expect: equal
# true: out == 6

# %% step:make
command = {'go': [1, 2, 3]}
match command:
    case {'go': [first, *rest]}:
        pass
# %% step:use
out = first + sum(rest)
