# expect: equal
# true: out == (14, [(1,)], 'ab')
# needs: kernel

# %% imports
import sqlite3
import threading
# %% step:make
numbers = (n * n for n in range(4))
guard = threading.Lock()
# %% step:make
with guard, sqlite3.connect(':memory:') as connection:
    found = connection.execute('select 1').fetchall()
total = sum(numbers)
with open('words.txt', 'w') as file:
    file.write('ab')
# %% step:use
out = total, found, open('words.txt').read()
