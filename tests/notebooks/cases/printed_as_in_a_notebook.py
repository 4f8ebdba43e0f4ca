# expect: equal
# true: shell == 'ZMQInteractiveShell'
# needs: kernel
# shows: printed 2, printed 3

# %% imports
import pandas as pd
# %% step:cut
bands = pd.cut(range(0, 50_000, 5_000), [0, 9_999.5, 19_999.5, 29_999.5, 49_999.5])
print(bands)
# %% step:show
bands.describe()
# %% step:show
shell = get_ipython().__class__.__name__
