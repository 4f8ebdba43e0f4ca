# expect: pipeline.cannot-travel 3
# when: run
# says: cell 4

# %% imports
import threading
# %% functions
class Guarded:
    def __init__(self):
        self.parts = [vars(threading)['Lock']()]
# %% step:make
guarded = Guarded()
# %% step:use
out = len(guarded.parts)
