# expect: equal
# true: out == (True, True, ['root', 'leaf', 'late'], True)

# %% functions
class Node:
    def __init__(self, name, parent=None):
        self.name, self.parent, self.children = name, parent, []
        if parent is not None:
            parent.children.append(self)
# %% step:make
loop = [1]
loop.append(loop)
root = Node('root')
leaf = Node('leaf', root)
table = {}
table['me'] = table
# %% step:grow
late = Node('late', leaf)
# %% step:use
names = [root.name, root.children[0].name, root.children[0].children[0].name]
out = loop[1] is loop, leaf.parent is root, names, table['me']['me'] is table
