# expect: equal
# true: out == 42
# needs: kernel

# %% step:write
%%writefile written_helper.py
def answer():
    return 42
# %% step:use
import sys
sys.path.insert(0, '.')
from written_helper import answer
# %% step:use
out = answer()
