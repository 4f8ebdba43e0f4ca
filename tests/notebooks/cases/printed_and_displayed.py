# expect: equal
# true: total == 6
# shows: printed 2, printed 3, printed 4
# needs: kernel

# %% imports
import sys
# %% step:load
rows = [1, 2, 3]
print('rows', *rows, sep='-')
print('aside', file=sys.stderr)
rows
# %% step:use
total = sum(rows)
display({'total': total})
total;
# %% step:report
print(f'{total:>8.2f}')
