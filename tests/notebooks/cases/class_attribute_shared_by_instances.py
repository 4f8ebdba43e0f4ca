# expect: equal
# true: out == (['a', 'b'], ['a', 'b'])
# needs: kernel

# %% functions
class Node:
    made = []
    def __init__(self, name):
        Node.made.append(name)
# %% step:make
one = Node('a')
# %% step:more
two = Node('b')
# %% step:use
out = one.made, two.made
