# expect: equal
# true: word == '0.333'
# needs: kernel

# %% imports
import decimal
# %% step:make
decimal.getcontext().prec = 3
one = decimal.Decimal(1)
# %% step:use
word = str(one / 3)
print(word)
# %% step:report
out = len(word)
