# expect: equal
# true: out == (6, 'list[int]', 'T')

# %% imports
from typing import TypeAlias, TypeVar
# %% functions
Rows: TypeAlias = list[int]
T = TypeVar('T')
limit: int
def total(rows: Rows, start: 'T' = 0) -> int:
    return sum(rows, start)
# %% step:make
rows: Rows = [1, 2, 3]
# %% step:use
out = total(rows), str(Rows), T.__name__
