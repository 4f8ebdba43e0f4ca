# expect: equal
# true: out == ('Nowhere', 4)
# needs: kernel

# %% imports
from __future__ import annotations
# %% functions
def double(x: Nowhere) -> int:
    return 2 * x
# %% step:make
def half(x: Nowhere) -> int:
    return x // 2
# %% step:use
out = half.__annotations__['x'], double(half(4))
