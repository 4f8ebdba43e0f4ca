# expect: equal
# true: seen == ([1, 2, 9], [1, 2, 9], True)
# real: aliases are pickled together

# %% step:load
a = [1, 2]
b = a
# %% step:change
a.append(9)
# %% step:report
seen = (a, b, a is b)
