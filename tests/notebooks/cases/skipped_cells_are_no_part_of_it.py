# expect: equal
# true: out == 1
# notice: 2 cell 2 is skipped, so cell 5 does not see what it does to `x`
# real: the kernel leaves them out too

# %% step:make
x = 1
# %% skip
x = 100
# %% skip
from kale.common.serveutils import serve
serve(x)
# %% skip
this is not even Python
# %% step:use
out = x
