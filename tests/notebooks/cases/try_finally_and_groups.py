# expect: equal
# true: out == (['else', 'finally', 'group'], 2)

# %% step:make
log = []
try:
    value = 1
except ValueError:
    log.append('except')
else:
    log.append('else')
finally:
    log.append('finally')
# %% step:use
try:
    raise ExceptionGroup('two', [KeyError('a'), ValueError('b')])
except* KeyError:
    log.append('group')
except* ValueError:
    value += 1
# %% step:report
out = log, value
