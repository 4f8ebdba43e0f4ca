# expect: equal
# true: out == (True, True, 'Point(x=1, y=5)', True, ('bad', 3), True)
# true: sorted(paints, key=lambda paint: paint.value) == [Paint.RED, Paint.BLUE]
# real: each process has classes of its own

# %% imports
from collections import namedtuple
from dataclasses import dataclass, field
from enum import Enum
# %% functions
class Paint(Enum):
    RED = 1
    BLUE = 2
Pair = namedtuple('Pair', 'left right')
@dataclass(order=True)
class Point:
    x: int
    y: int = 0
@dataclass
class Track:
    points: list = field(default_factory=list)
class Bad(ValueError):
    def __init__(self, words, count):
        super().__init__(words, count)
        self.count = count
# %% step:make
paint, paints = Paint.RED, {Paint.RED, Paint.BLUE}
pair = Pair(1, [2])
point = Point(1)
track = Track([point])
problem = Bad('bad', 3)
# %% step:change
point.y = 5
pair.right.append(3)
# %% step:use
out = (
    paint is Paint.RED,
    pair == Pair(1, [2, 3]) and type(pair) is Pair,
    str(track.points[0]).replace('Point.', ''),
    track.points[0] is point,
    problem.args,
    isinstance(problem, Bad) and problem.count == 3,
)
