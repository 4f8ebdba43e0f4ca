# expect: equal
# true: sorted(words) == list('abcdefghij')
# needs: kernel

# %% step:make
words = list({each for each in 'abcdefghij'})
# %% step:use
count = len(words)
