# expect: equal
# true: out == (['in', 'out'], 'value', 4.0)

# %% imports
import contextlib
import decimal
# %% functions
@contextlib.contextmanager
def told(log):
    log.append('in')
    yield 'value'
    log.append('out')
# %% step:make
log = []
with told(log) as given, decimal.localcontext() as context:
    context.prec = 3
    number = float(decimal.Decimal(4))
# %% step:use
out = log, given, number
