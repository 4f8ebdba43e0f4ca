# expect: equal
# true: out == ('red', 'red')
# needs: kernel

# %% imports
import os
%env PAINT=red
# %% step:first
paint = os.environ['PAINT']
# %% step:second
out = paint, os.environ['PAINT']
