# expect: equal
# true: out == ([0, 1, 4], {'a': 1}, {2, 3}, 5, 'outer')

# %% step:make
i = 5
word = 'outer'
# %% step:use
squares = [i * i for i in range(3)]
index = {word: n for n, word in enumerate('_a') if n}
shifted = {n + 2 for n in range(2)}
lazy = sum(i for i in range(1, 3))
# %% step:report
assert lazy == 3
out = squares, index, shifted, i, word
