# expect: equal
# true: total == 45 and seconds >= 0
# real: the clock reads otherwise in each process
# shows: output started, output stamp, metric seconds, printed 4

# %% step:load
import time
from datetime import datetime
started = time.time()
stamp = datetime.now()
# %% step:train
total = sum(range(10))
# %% step:report metrics
seconds = round(time.time() - started, 3)
# %% step:report
print(f'total {total} in {seconds} s, since {stamp}')
