# expect: equal
# true: out == ([1, 2, 3, 4], 0, [2, 5], ['b', 'a'], {'x': 1, 'y': 2})

# %% imports
import bisect
import heapq
import operator
# %% step:make
rows, heap, words, table = [1, 3, 4], [5, 2], ['a', 'b'], {'x': 1}
heapq.heapify(heap)
# %% step:change
bisect.insort(rows, 2)
heapq.heappush(heap, 0)
operator.setitem(table, 'y', 2)
list.reverse(words)
# %% step:use
least = heapq.heappop(heap)
# %% step:report
out = rows, least, sorted(heap), words, table
