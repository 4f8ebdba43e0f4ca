# expect: equal
# true: out == ([2, 3], 3, ['b', 'a'], [0, 5], {1, 2, 3}, ('a', 2), b'ab', 2, 5)
# real: what travels is pickled

# %% imports
from collections import ChainMap, Counter, OrderedDict, defaultdict, deque
# %% step:make
recent = deque([1, 2], maxlen=2)
numbers = defaultdict(lambda: 3)
order = OrderedDict(a=1, b=2)
base = {'k': 0}
chain = ChainMap({}, base)
found = {1, 2}
fixed = frozenset(found)
counts = Counter('aab')
raw = bytearray(b'a')
span = range(0, 10, 5)
# %% step:change
recent.append(3)
order.move_to_end('a')
base['k'] = 5
found.add(3)
raw.extend(b'b')
# %% step:use
out = (
    list(recent), numbers['new'], list(order), [base['k'] - 5, chain['k']], found,
    counts.most_common(1)[0], bytes(raw), len(fixed), span[1],
)
