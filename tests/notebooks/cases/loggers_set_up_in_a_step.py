# expect: equal
# true: text.splitlines() == ['one', 'two', 'three']
# needs: kernel
# shows: printed 1, printed 2, printed 3

# %% step:set_up
import io, logging, sys
memory = io.StringIO()
log = logging.getLogger('training')
log.addHandler(logging.StreamHandler(sys.stdout))
log.addHandler(logging.StreamHandler(memory))
log.setLevel(logging.INFO)
log.propagate = False
log.info('one')
log.debug('hidden')
# %% step:train
log.info('two')
print(log.level)
# %% step:report
log.info('three')
text = memory.getvalue()
print(text)
