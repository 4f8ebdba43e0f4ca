# expect: equal
# true: out == (3, 'Pair')
# needs: python 3.12

# %% functions
type Pair[T] = tuple[T, T]
def last[T](pair: Pair[T]) -> T:
    return pair[1]
class Holder[T]:
    def __init__(self, value: T):
        self.value = value
# %% step:make
holder = Holder((2, 3))
# %% step:use
out = last(holder.value), Pair.__name__
