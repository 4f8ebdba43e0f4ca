# expect: pipeline.two-roles 1

# %% imports step:load
import math
