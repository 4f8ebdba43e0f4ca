# expect: equal
# true: (mae, share, rows) == (0.5, 0.25, 4)
# shows: metric mae, metric share, metric rows
# needs: kernel

# %% step:load
truth, guess = [1, 2, 3, 4], [1, 2, 4, 5]
# %% step:score metrics
errors = [abs(a - b) for a, b in zip(truth, guess)]
mae = sum(errors) / len(errors)
share = (guess.index(4) - 1) / len(truth)
rows = len(truth)
words = 'no number'
# %% step:after
out = mae * 2
