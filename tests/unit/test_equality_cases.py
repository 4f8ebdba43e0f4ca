"""Small notebooks that once came out different, each the shortest that shows why."""

from __future__ import annotations

import pytest

from tests.programs import Cells, compare

BAG = (
    "class Bag:\n    made = []\n\n    def __init__(self, items=None):\n        self.items = items\n"
)
EQUAL: dict[str, Cells] = {
    "a method changes what all instances share": [
        ("functions", f"{BAG}\n    def go(self):\n        self.made.append(1)"),
        ("step:a", "one = Bag()\none.go()"),
        ("step:b", "two = Bag()\ntwo.go()\nprint(two.made)"),
        ("step:c", "print(one.made, two.made)"),
    ],
    "a class makes one instance only": [
        (
            "functions",
            "class One:\n    it = None\n\n    def __new__(cls):\n        if cls.it is None:\n"
            "            cls.it = super().__new__(cls)\n            cls.it.v = []\n"
            "        return cls.it",
        ),
        ("step:a", "a = One()\na.v.append(1)"),
        ("step:b", "b = One()\nb.v.append(2)\nprint(b.v)"),
        ("step:c", "print(a.v, b.v, a is b)"),
    ],
    "a class method counts": [
        (
            "functions",
            "class Counter:\n    n = 0\n\n    @classmethod\n    def count(cls):\n"
            "        cls.n += 1",
        ),
        ("step:a", "Counter.count()"),
        ("step:b", "print(Counter.n)"),
    ],
    "the class is changed by way of an instance": [
        ("functions", BAG),
        ("step:a", "bag = Bag()\ntype(bag).made = [5]\nbag.__class__.size = 3"),
        ("step:b", "print(Bag.made, Bag().size)"),
    ],
    "a method is replaced later": [
        ("functions", f"{BAG}\n    def add(self, v):\n        self.items.append(v)"),
        ("step:a", "bag = Bag([1])"),
        ("step:b", "Bag.add = lambda self, v: self"),
        ("step:c", "bag.add(2)\nprint(bag.items, isinstance(bag, Bag))"),
    ],
    "a class comes by name from one step and inside a value from another": [
        ("step:start", f"xs, ys = [1], [2]\n{BAG}"),
        ("step:a", "Bag.made = ys\nys = 3"),
        ("step:b", "Bag.made.append(2)\nxs.append(Bag)"),
        ("step:c", "print(Bag.made, xs[1].made)"),
    ],
    "a property counts": [
        (
            "functions",
            "class Asked:\n    n = 0\n\n    @property\n    def times(self):\n"
            "        self.n += 1\n        return self.n",
        ),
        ("step:a", "p = Asked()"),
        ("step:b", "x = p.times"),
        ("step:c", "print(p.times)"),
    ],
    "a class with slots takes no other attributes": [
        ("step:a", "class Row:\n    __slots__ = ('v', 'w')\n\n\nrow = Row()\nrow.v = [1]"),
        ("step:b", "row.w = 2\ntry:\n    row.x = 3\nexcept AttributeError:\n    print('no')"),
        ("step:c", "print(row.v, row.w, hasattr(row, '__dict__'), Row().__slots__)"),
    ],
    "comparing counts": [
        (
            "functions",
            "class Asked:\n    n = 0\n\n    def __eq__(self, other):\n        self.n += 1\n"
            "        return True",
        ),
        ("step:a", "p = Asked()"),
        ("step:b", "same = p == 1"),
        ("step:c", "print(p.n)"),
    ],
    "adding gives back the same object": [
        (
            "functions",
            "class Sum:\n    def __init__(self):\n        self.v = []\n\n"
            "    def __add__(self, other):\n        self.v.append(other)\n        return self",
        ),
        ("step:a", "p = Sum()"),
        ("step:b", "q = p + 1"),
        ("step:c", "q.v.append(9)\nprint(p.v)"),
        ("step:d", "print(p.v, p is q)"),
    ],
    "a with block of an own class goes on after an error": [
        (
            "functions",
            "class Quiet:\n    def __enter__(self):\n        return self\n\n"
            "    def __exit__(self, *error):\n        return True",
        ),
        ("step:a", "xs = [1]"),
        ("step:b", "with Quiet():\n    {}['k']\n    xs = []\nxs = [xs]"),
        ("step:c", "print(xs)"),
    ],
    "a method gives back a variable": [
        ("step:a", "zs = [1]\nclass Give:\n    def it(self):\n        return zs\ng = Give()"),
        ("step:b", "x = g.it()"),
        ("step:c", "x.append(1)"),
        ("step:d", "print(zs)"),
    ],
    "a bound method is called elsewhere": [
        ("functions", f"{BAG}\n    def add(self, v=0):\n        self.items.append(v)"),
        ("step:a", "bag = Bag([1])\nadd = bag.add"),
        ("step:b", "add(2)\nadd(v=3)"),
        ("step:c", "print(bag.items, add.__self__ is bag)"),
    ],
    "a list's method is handed over": [
        ("imports", "from contextlib import ExitStack"),
        ("step:a", "xs = [1]"),
        ("step:b", "with ExitStack() as stack:\n    stack.callback(xs.append, 2)\ndel stack"),
        ("step:c", "print(xs)"),
    ],
    "a list's method is called elsewhere": [
        ("step:a", "xs = [1]\npush = xs.append"),
        ("step:b", "push(2)"),
        ("step:c", "print(xs)\nlist(map(push, xs[:]))"),
        ("step:d", "print(xs)"),
    ],
    "a function gives back its default": [
        ("functions", "def keep(v=[]):\n    v.append(1)\n    return v"),
        ("step:a", "x = keep()"),
        ("step:b", "y = keep()"),
        ("step:c", "y.append(5)\nprint(x)"),
        ("step:d", "print(x)"),
    ],
    "a lambda keeps the variable of its comprehension": [
        ("step:a", "ys = [2]"),
        ("step:b", "xs = [lambda: v for v in [ys]][0]()"),
        ("step:c", "ys.append(1)"),
        ("step:d", "print(xs)"),
    ],
    "an instance holds the default of its class": [
        ("step:a", "xs = [1]\nclass Row:\n    def __init__(self, v=xs):\n        self.v = v"),
        ("step:b", "r = Row()"),
        ("step:c", "r.v.append(2)"),
        ("step:d", "print(xs)"),
    ],
    "a loop uses up an iterator": [
        ("step:a", "it = iter([1, 2, 3, 4])"),
        ("step:b", "for v in it:\n    break"),
        ("step:c", "print(list(it))"),
    ],
    "a dict is made of a zip": [
        ("step:a", "pairs = zip('ab', [1, 2])"),
        ("step:b", "x = dict(pairs)"),
        ("step:c", "print(list(pairs), x)"),
    ],
    "an endless count goes on": [
        ("imports", "import itertools"),
        ("step:a", "number = itertools.count()"),
        ("step:b", "x = list(zip('abc', number))"),
        ("step:c", "print(next(number))"),
    ],
    "code in a text": [
        ("step:a", "n, ys = 1, [2]"),
        ("step:b", "exec('ys.append(n)\\nlate = ys')\nm = eval('n + 1')"),
        ("step:c", "late.append(m)"),
        ("step:d", "print(ys, late)"),
    ],
    "code in a text that is made at run time": [
        ("step:a", "n, ys = 1, [2]"),
        ("step:b", "for word in ['ys', 'n']:\n    exec(f'new_{word} = {word}')"),
        ("step:c", "print(new_ys, new_n)"),
    ],
    "variables by their names": [
        ("step:a", "n, ys = 1, [2]"),
        ("step:b", "xs = globals()['ys']\nglobals()['late'] = n\nglobals().update(last=xs)"),
        ("step:c", "xs.append(globals().get('n', 0))\nlast.append(late)"),
        ("step:d", "print(ys, 'late' in globals(), 'never' in globals())"),
    ],
    "a format takes all variables": [
        ("step:a", "name, n = 'x', 2"),
        ("step:b", "print('{name}: {n}'.format(**globals()))"),
    ],
    "a query names a variable": [
        ("imports", "import pandas as pd"),
        ("step:a", "df = pd.DataFrame({'a': [1, 2, 3]})\nleast = 1"),
        ("step:b", "few = df.query('a > @least')"),
        ("step:c", "few = few.eval('b = a + @least')\nprint(few, pd.eval('least + 1'))"),
    ],
    "sums of lists hold the same lists": [
        ("step:a", "xs = [1]"),
        ("step:b", "ys = sum([[xs]], [])[0]"),
        ("step:c", "ys.append(2)"),
        ("step:d", "print(xs)"),
    ],
    "parts of a split array are views": [
        ("imports", "import numpy as np"),
        ("step:a", "u = np.arange(4.0)"),
        ("step:b", "left, right = np.split(u, 2)"),
        ("step:c", "left[0] = 9"),
        ("step:d", "print(u)"),
    ],
    "an array of the type asked for is not copied": [
        ("imports", "import numpy as np"),
        ("step:a", "u = np.arange(4.0)"),
        ("step:b", "v = u.astype(float, copy=False)"),
        ("step:c", "v[0] = 9"),
        ("step:d", "print(u)"),
    ],
    "a ufunc changes an array in place": [
        ("imports", "import numpy as np"),
        ("step:a", "u = np.zeros(3)\nv = u[:]"),
        ("step:b", "np.add.at(u, [0], 1)"),
        ("step:c", "u.clip(0, 0.5, v)"),
        ("step:d", "print(u, v)"),
    ],
    "a read-only array stays so": [
        ("imports", "import numpy as np\nimport pandas as pd"),
        ("step:a", "u = pd.DataFrame({'a': [1.0, 2.0]})['a'].values\nv = u[::-1]"),
        ("step:b", "try:\n    v[0] = 1\nexcept ValueError:\n    print('read-only')"),
    ],
    "a frozen array can be thawed": [
        ("imports", "import numpy as np"),
        ("step:a", "u = np.arange(3.0)\nu.flags.writeable = False"),
        ("step:b", "u.flags.writeable = True\nu[0] = 5\nprint(u)"),
    ],
    "flattening an array with gaps makes a copy": [
        ("imports", "import numpy as np"),
        ("step:a", "u = np.arange(6.0).reshape(2, 3)[:, 1:]"),
        ("step:b", "u.ravel()[0] = 9\nu.reshape(-1)[1] = 9\nprint(u, u.strides)"),
    ],
}


REFUSED: dict[str, tuple[Cells, str, int]] = {
    "a name that another step deleted would be there again": (
        [
            ("functions", "xs, ys = [1], [2]\n\n\ndef both():\n    return xs + ys"),
            ("step:a", "del xs"),
            (
                "step:b",
                "if not ys:\n    xs = [3]\ntry:\n    print(both())\nexcept NameError:\n    pass",
            ),
        ],
        "pipeline.entangled",
        3,
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_is_refused(case: str) -> None:
    cells, code, position = REFUSED[case]
    error = compare(cells)
    assert error is not None
    assert error.place is not None
    assert (error.code, error.place.cell) == (code, position)


@pytest.mark.parametrize("case", EQUAL)
def test_is_equal(case: str) -> None:
    assert compare(EQUAL[case]) is None
