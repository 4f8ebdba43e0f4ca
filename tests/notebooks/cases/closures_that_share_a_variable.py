# expect: equal
# true: out == (16, 17, 17)
# real: closures are pickled with their cells

# %% functions
def make_counter():
    n = 0
    def add(by=1):
        nonlocal n
        n += by
        return n
    def show():
        return n
    return add, show
# %% step:make
add, show = make_counter()
add()
add(5)
# %% step:more
add(10)
seen = show()
# %% step:use
out = seen, add(), show()
