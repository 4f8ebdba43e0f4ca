# expect: equal
# true: out == ([1, 2], [1, 2], (1, 2), (1,), 'ab', {'k': 6})

# %% step:make
a = [1]
b = a
t = (1,)
s = t
word = 'a'
sums = {'k': 2}
# %% step:change
a += [2]
t += (2,)
word += 'b'
sums['k'] *= 3
# %% step:use
out = a, b, t, s, word, sums
