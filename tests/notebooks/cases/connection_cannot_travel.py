# expect: pipeline.cannot-travel 2
# says: cell 3

# %% imports
import sqlite3
# %% step:make
connection = sqlite3.connect(':memory:')
# %% step:use
out = connection.execute('select 1').fetchone()
