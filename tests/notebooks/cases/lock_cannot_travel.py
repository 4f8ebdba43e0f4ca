# expect: pipeline.cannot-travel 2
# says: cell 3

# %% imports
import threading
# %% step:make
guard = threading.Lock()
# %% step:use
with guard:
    out = 1
