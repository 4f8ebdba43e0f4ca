# expect: equal
# true: out == ('m', 30, 11, 'Box of 1')
# real: each process has classes of its own

# %% imports
import functools
# %% functions
unit = 'm'
class Base:
    label = unit
    def __init__(self, size):
        self.size = size
    def scaled(self):
        return self.size * factor
class Box(Base):
    @functools.cached_property
    def volume(self):
        return super().scaled() + 1
    @classmethod
    def one(cls):
        return cls(1)
    @property
    def name(self):
        return f'{type(self).__name__} of {self.size}'
# %% step:make
factor = 10
box = Box.one()
# %% step:use
unit = 'km'
second = Base(3)
# %% step:report
out = box.label, second.scaled(), box.volume, box.name
