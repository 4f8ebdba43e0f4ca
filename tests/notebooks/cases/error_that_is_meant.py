# expect: equal
# true: out == (1, 'before')
# needs: kernel

# %% step:make
n = 1
# %% step:make raises-exception
word = 'before'
1 / 0
word = 'after'
# %% step:use
out = n, word
