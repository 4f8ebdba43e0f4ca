# expect: equal
# true: third == 3

# %% functions
counter = 0
def count():
    global counter
    counter += 1
    return counter
# %% step:first
count(); count()
# %% step:second
third = count()
