# expect: equal
# true: out == (3, 4, 1)
# real: closures are pickled with their cells

# %% functions
def make_counter(start):
    count = start
    def step():
        nonlocal count
        count += 1
        return count
    return step
# %% step:make
tick = make_counter(0)
other = make_counter(0)
tick()
# %% step:more
tick()
third = tick()
# %% step:use
out = third, tick(), other()
