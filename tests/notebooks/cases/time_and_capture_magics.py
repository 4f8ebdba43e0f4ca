# expect: equal
# true: out == (6, [2, 4, 6], 'hidden\n', 3, 9)
# needs: kernel

# %% imports
%load_ext autoreload
%autoreload 2
# %% step:load
rows = [1, 2, 3]
%time total = sum(rows)
# %% step:double
%%time
doubled = [2 * row for row in rows]
# %% step:capture
%%capture shown
print('hidden')
kept = 3
# %% step:use
%timeit -n 1 -r 1 sum(rows)
words = shown.stdout
if kept:
    %time nine = kept ** 2
# %% step:report
out = total, doubled, words, kept, nine
