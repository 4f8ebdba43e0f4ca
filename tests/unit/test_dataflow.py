"""What a cell reads, writes, changes and deletes, by Python's rules."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.notebook.dataflow import CellFlow, cell_flow
from jupyter_mlops.notebook.document import Cell, Notebook
from jupyter_mlops.notebook.star_imports import star_names


def flow(source: str) -> CellFlow:
    return cell_flow(Cell("c", 1, "code", source))


def names(text: str) -> set[str]:
    return set(text.split())


# source, reads, writes, mutates
TABLE: list[tuple[str, str, str, str]] = [
    # plain statements
    ("x = a + b", "a b", "x", ""),
    ("x: int = a", "a", "x", ""),
    ("x: int", "", "", ""),
    ("x = y = a", "a", "x y", ""),
    ("x, (y, *z) = a", "a", "x y z", ""),
    ("x, y = y, x", "x y", "x y", ""),
    ("x = 1\nprint(x)", "", "x", ""),
    ("print(x)\nx = 1", "x", "x", ""),
    ("x += 1", "x", "x", "x"),
    ("x = 0\nx += a", "a", "x", ""),
    ("assert x, message", "x message", "", ""),
    ("raise Wrong from cause", "Wrong cause", "", ""),
    ("print(f'{a:{b}} {c!r}')", "a b c", "", ""),
    ("x = [*a, *b]\ny = {**c}", "a b c", "x y", ""),
    ("a < b < c", "a b c", "", ""),
    ("a[b:c, d]", "a b c d", "", ""),
    # deletion
    ("del x", "x", "", ""),
    ("x = 1\ndel x", "", "x", ""),
    ("del x.a, y[i]", "x y i", "", "x y"),
    # changes in place
    ("x[i] = v", "x i v", "", "x"),
    ("x.a.b = v", "x v", "", "x"),
    ("x[i] += v", "x i v", "", "x"),
    ("x.a[0].b += 1", "x", "", "x"),
    ("x.append(v)", "x v", "", "x"),
    ("y = x.pop()", "x", "y", "x"),
    ("x.a.append(v)", "x v", "", "x"),
    ("x.setdefault(k, []).append(v)", "x k v", "", "x"),
    ("df.sort_values('a', inplace=True)", "df", "", "df"),
    ("df = df.sort_values('a', inplace=False)", "df", "df", ""),
    ("y = df.sort_values('a')", "df", "y", ""),
    ("df.head()", "df", "", ""),
    ("df.info()\n1", "df", "", ""),
    ("thing.process()\n1", "thing", "", "thing"),
    ("thing.process()", "thing", "", ""),
    ("model.fit(X, y)", "model X y", "", "model"),
    ("m = model.fit(X, y)", "model X y", "m", "model"),
    ("p = model.fit(X, y).predict(Z)", "model X y Z", "p", "model"),
    ("import random\nrandom.shuffle(x)", "x", "random", "x"),
    ("import numpy as np\nnp.add(a, b, out=c)", "a b c", "np", "c"),
    ("v = next(it)", "it", "v", "it"),
    ("v = rng.normal(size=3)", "rng", "v", "rng"),
    ("setattr(x, 'a', v)", "x v", "", "x"),
    ("[x.append(i) for i in xs]", "x xs", "", "x"),
    ("for row in rows:\n    row['a'] = 1", "rows", "row", "row rows"),
    ("for a, b in ((c, d), (e, f)):\n    a['x'] = b", "c d e f", "a b", "a c e"),
    ("for a, b in zip(c, d):\n    a['x'] = b", "c d", "a b", "a c"),
    ("for i, a in enumerate(c):\n    a[i] = 0", "c", "i a", "a c"),
    ("for k, a in c.items():\n    a[k] = 0", "c", "k a", "a c"),
    ("[a.append(b) for a, b in zip(c, d)]", "c d", "", "c"),
    # aliases
    ("b = a\nb.append(1)", "a", "b", "a b"),
    ("b = [a]\nb.append(1)", "a", "b", "b"),
    ("b = [a]\nb[0].append(1)", "a", "b", "a b"),
    ("b = a.copy()\nb['x'] = 1", "a", "b", "b"),
    ("b = a[1:]\nb[0] = 1", "a", "b", "a b"),
    ("b = a if c else d\nb.append(1)", "a c d", "b", "a b d"),
    ("(b := a).append(1)", "a", "b", "a b"),
    ("a = []\nb = a\na = []\na.append(1)", "", "a b", "a"),
    ("import copy\nb = copy.deepcopy(a)\nb.append(1)", "a", "b copy", "b"),
    # branches
    ("if c:\n    x = 1\nprint(x)", "c x", "x", ""),
    ("if c:\n    x = 1\nelse:\n    x = 2\nprint(x)", "c", "x", ""),
    ("if c:\n    x = 1\nelse:\n    raise Wrong\nprint(x)", "c Wrong", "x", ""),
    ("if c:\n    x = 1\nelif d:\n    x = 2\nprint(x)", "c d x", "x", ""),
    ("x = 1 if c else y", "c y", "x", ""),
    ("c and (x := 1)\nprint(x)", "c x", "x", ""),
    ("(x := 1) and c\nprint(x)", "c", "x", ""),
    ("a < b < (x := 1)\nprint(x)", "a b x", "x", ""),
    # loops
    ("for i in xs:\n    t = i", "xs", "i t", ""),
    ("for i in xs:\n    pass\nprint(i)", "xs i", "i", ""),
    ("for i in xs:\n    print(last)\n    last = i", "xs last", "i last", ""),
    ("for i in xs:\n    pass\nelse:\n    done = 1", "xs", "i done", ""),
    ("while n > 0:\n    n = n - 1", "n", "n", ""),
    ("for x.a in xs:\n    pass", "x xs", "", "x"),
    # try
    ("try:\n    import fast\nexcept ImportError:\n    fast = None\nfast", "", "fast", ""),
    ("try:\n    x = f()\nexcept ValueError as e:\n    print(e)\nx", "f x", "x", ""),
    ("try:\n    x = f()\nexcept Wrong:\n    raise\nx", "f Wrong", "x", ""),
    ("try:\n    x = f()\nfinally:\n    g()", "f g", "x", ""),
    ("try:\n    f()\nexcept* OSError as e:\n    x = e", "f", "x", ""),
    # with
    ("with open(p) as h, lock:\n    x = h.read()\nx", "p lock", "h x", "h"),
    ("import contextlib\nwith contextlib.suppress(E):\n    x = 1\nx", "E x", "contextlib x", ""),
    # match
    ("match p:\n    case [a, *b]:\n        pass", "p", "a b", ""),
    ("match p:\n    case {'k': v, **r}:\n        pass", "p", "v r", ""),
    ("match p:\n    case Point(x=0) | Other():\n        q = 1", "p Point Other", "q", ""),
    ("match p:\n    case m.X:\n        q = 1\n    case _:\n        q = 2\nq", "p m", "q", ""),
    ("match p:\n    case x if x > n:\n        pass", "p n", "x", ""),
    # comprehensions
    ("[i for i in xs if i > n]", "xs n", "", ""),
    ("{k: v for k, v in d.items()}", "d", "", ""),
    ("[x for x in x]", "x", "", ""),
    ("[(i, j) for i in a for j in i if j in b]", "a b", "", ""),
    ("[q := i for i in xs]\nq", "xs q", "q", ""),
    ("x = [y for y in [1] for z in [y]]", "", "x", ""),
    ("sum(i * w for i in xs)", "xs w", "", ""),
    # functions: bodies run when the name is used
    ("def f(a):\n    return a + k", "", "f", ""),
    ("def f(a):\n    return a + k\nf(1)", "k", "f", ""),
    ("def f(a=k):\n    return a", "k", "f", ""),
    ("def f(a, *, b=k):\n    a = b", "k", "f", ""),
    ("k = 1\ndef f():\n    return k\nf()", "", "f k", ""),
    ("def f():\n    return k\nk = 1\nf()", "", "f k", ""),
    ("@decorate\ndef f():\n    pass", "decorate", "f", ""),
    ("def f(x: Kind) -> Other:\n    pass", "Kind Other", "f", ""),
    (
        "def f():\n    x = 1\n    def g():\n        return x + y\n    return g\nh = f()",
        "y",
        "f h",
        "",
    ),
    ("def f():\n    global n\n    n = 1\nf()", "", "f n", ""),
    ("def f():\n    global n\n    n += 1\nf()", "n", "f n", "n"),
    ("def f():\n    cache['a'] = 1\nf()", "cache", "f", "cache"),
    ("def f(v):\n    v.append(1)\nf(x)", "x", "f", "x"),
    ("def f(v):\n    v = list(v)\n    v.append(1)\nf(x)", "x", "f", "x"),
    ("def f(df):\n    df = df.copy()\n    df['a'] = 1\n    return df\ny = f(x)", "x", "f y", ""),
    ("def g(v):\n    v.append(1)\ndef f(v):\n    g(v)\nf(x)", "x", "f g", "x"),
    ("def f(*vs):\n    for v in vs:\n        v.append(1)\nf(x, y)", "x y", "f", "x y"),
    ("def f(a, b):\n    b.append(a)\nf(b=x, a=y)", "x y", "f", "x"),
    ("def f(v):\n    v.append(f)\n    f(v)\nf(x)", "x", "f", "x"),
    ("def get():\n    return store\nget().append(1)", "store", "get", "store"),
    ("def get():\n    return store\ns = get()\ns.append(1)", "store", "get s", "s store"),
    (
        "def make():\n    box = []\n    def add(v):\n        box.append(v)\n    return add\n"
        "add = make()\nadd(1)",
        "",
        "make add",
        "add",
    ),
    ("f = lambda a, b=c: a + b + d", "c", "f", ""),
    ("f = lambda a: a + d\nf(1)", "d", "f", ""),
    ("sorted(xs, key=lambda v: w[v])", "xs w", "", ""),
    ("ys = list(map(lambda v: v + w, xs))", "xs w", "ys", ""),
    ("async def f():\n    return await g(k)\nx = await f()", "g k", "f x", ""),
    ("x = await f(a)\nasync for i in x:\n    pass", "f a", "x i", ""),
    ("async with y as z:\n    pass", "y", "z", ""),
    ("def f():\n    import os\n    return os.sep\nf()", "", "f", ""),
    ("def f():\n    return [x for x in xs]\nf()", "xs", "f", ""),
    ("def f():\n    try:\n        g()\n    except E as e:\n        return e\nf()", "g E", "f", ""),
    ("def f():\n    (x := a)\n    return x\nf()", "a", "f", ""),
    ("def f():\n    if c:\n        x = 1\n    return x\nf()", "c", "f", ""),
    # classes
    ("class A(B, meta=C):\n    pass", "B C", "A", ""),
    ("class A:\n    x = a\n    y = x", "a", "A", ""),
    ("class A:\n    x = x", "x", "A", ""),
    ("class A:\n    x = 1\n    def m(self):\n        return x\nA().m()", "x", "A", ""),
    ("class A:\n    def m(self):\n        return k", "", "A", ""),
    ("class A:\n    def m(self):\n        return k\na = A()", "k", "A a", ""),
    ("class A:\n    def m(self, v):\n        v.append(1)\na = A()\ny = a.m(x)", "x", "A a y", "x"),
    ("class A:\n    def m(self):\n        self.n = 1\na = A()\ny = a.m()", "", "A a y", "a"),
    ("class A:\n    items = [i for i in xs]", "xs", "A", ""),
    # imports
    ("import a.b.c", "a", "a", ""),
    ("import a.b as c", "", "c", ""),
    ("from a import b as c, d", "", "c d", ""),
    ("from __future__ import annotations", "", "annotations", ""),
    ("import pandas as pd\npd.options.mode = 1", "", "pd", ""),
    # names of Python and IPython
    ("print(len(x), __name__, get_ipython(), display)", "x", "", ""),
    ("list = a\nlist(b)", "a b", "list", ""),
    # code that hides what it does
    ("global x\nx = 1", "", "x", ""),
]  # fmt: skip


@pytest.mark.parametrize(("source", "reads", "writes", "mutates"), TABLE)
def test_names_of_a_cell(source: str, reads: str, writes: str, mutates: str) -> None:
    found = flow(source)
    assert set(found.reads) == names(reads)
    assert set(found.writes) == names(writes)
    assert set(found.mutates) - set(found.writes) == names(mutates) - names(writes)
    assert names(mutates) <= set(found.mutates)


IPYTHON: list[tuple[str, str, str]] = [
    ("%time x = f(y)", "f y", "x"),
    ("%timeit -n 10 -r 2 f(x)", "f x", ""),
    ("%timeit y = f(x)", "f x", ""),
    ("t = %timeit -o f(x)", "f x", "t"),
    ("%prun f(x)", "f x", ""),
    ("%%time\nx = f(y)\nz = x", "f y", "x z"),
    ("%%time\n\n%matplotlib inline\nx = y", "y", "x"),
    ("%%timeit s = 1\nx = f(y)", "f y", ""),
    ("%%capture out\nx = f(y)", "f y", "x out"),
    ("%%capture --no-stderr\nx = y", "y", "x"),
    ("%%bash\necho $HOME {nothing}", "", ""),
    ("%%bash --out lines\nls", "", "lines"),
    ("%%html\n<b>{x}</b>", "", ""),
    ("%%writefile out.py\nimport this_is_text", "", ""),
    ("!echo {x} $y $$z", "x y", ""),
    ("files = !ls {folder}", "folder", "files"),
    ("x?", "x", ""),
    ("?x", "x", ""),
    ("x.append??", "x", ""),
    ("%env KEY={value}", "value", ""),
    ("%matplotlib inline\nx = y", "y", "x"),
    ("if a:\n    !ls {b}\n    x = 1", "a b", "x"),
    ("!pip install \\\n    {package}\nx = y", "package y", "x"),
    ("  x = y\n  z = x", "y", "x z"),
    (">>> x = y\n>>> z = x", "y", "x z"),
    ("x = 1  # %not magic\ns = '!ls'", "", "x s"),
]


@pytest.mark.parametrize(("source", "reads", "writes"), IPYTHON)
def test_syntax_of_ipython(source: str, reads: str, writes: str) -> None:
    found = flow(source)
    assert set(found.reads) == names(reads)
    assert set(found.writes) == names(writes)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the syntax is of Python 3.12")
def test_type_aliases_and_type_parameters() -> None:
    found = flow("type Row = dict[str, Cell]\ndef f[T](x: T) -> T:\n    return x\nf(1)")
    assert set(found.writes) == {"Row", "f"}
    assert set(found.reads) == set()


def test_lines_are_the_first_that_do_it() -> None:
    found = flow("\n%%time\n\nx = (a +\n     b)\nx.append(c)\ndel d")
    assert found.reads == {"a": 4, "b": 5, "c": 6, "d": 7}
    assert found.writes == {"x": 4}
    assert found.deletes == {"d": 7}
    assert flow("!one \\\n two\nx = y").reads == {"y": 3}


def test_reads_that_may_find_nothing_are_optional() -> None:
    found = flow("if c:\n    x = 1\nprint(x, y)\n!echo {z}")
    assert found.optional == {"x", "z"}
    assert flow("print(x)\nif c:\n    x = 1").optional == set()
    assert flow("if c:\n    print(x)\nfor i in y:\n    print(z)").optional == {"x"}
    assert flow("a = x if 'x' in dir() else b or c").optional == {"x", "b", "c"}
    assert flow("try:\n    x\nexcept NameError:\n    x = 1").optional == {"x", "NameError"}


def test_definitions_name_the_globals_of_their_code() -> None:
    found = flow(
        "import numpy as np\n"
        "def inner(x):\n    return np.log(x) + OFFSET\n"
        "def outer(x):\n    return inner(x) * scale\n"
        "class Model:\n    def fit(self, X):\n        return outer(X)\n"
        "plain = 3"
    )
    assert found.definitions == {
        "inner": {"np", "OFFSET"},
        "outer": {"np", "OFFSET", "inner", "scale"},
        "Model": {"np", "OFFSET", "inner", "scale", "outer"},
    }


def test_star_imports_are_resolved_from_the_module() -> None:
    assert {"sqrt", "pi"} <= set(flow("from math import *\nsqrt(pi)").writes)
    assert flow("from math import *\nsqrt(pi) + x").reads == {"x": 2}
    assert {"join", "split"} <= set(flow("from os.path import *").writes)


@pytest.mark.parametrize("module", ["numpy", "scipy.optimize", "matplotlib.pyplot", "os"])
def test_star_imports_of_modules_that_list_their_names_by_code(module: str) -> None:
    namespace: dict[str, object] = {}
    exec(f"from {module} import *", namespace)
    known = star_names(module)
    assert known is not None
    assert namespace.keys() - known == {"__builtins__"}
    assert len(known - namespace.keys()) <= 3  # names of types that only other machines have


def test_star_imports_of_modules_beside_the_notebook(tmp_path: Path) -> None:
    (tmp_path / "lonely_helpers.py").write_text(
        "import os\nraise SystemExit('not imported')\n"
        "def clean(x): pass\n_hidden = 1\nif os:\n    LIMIT = 2\nfrom lonely_more import *\n"
    )
    (tmp_path / "lonely_more.py").write_text("__all__ = ['shown']\nshown = hidden = 1\n")
    cell = Cell("c", 1, "code", "from lonely_helpers import *")
    notebook = Notebook(tmp_path / "n.ipynb", "n.ipynb", (cell,), "python3", "python")
    assert set(cell_flow(cell, notebook).writes) == {"clean", "LIMIT", "os", "shown"}


@pytest.mark.parametrize(
    ("source", "line"),
    [("x = 1\ny = (", 2), ("%%time\nx = 1\nx = = 2", 3), ("return 1", 1), ("x = 1\nbreak", 2)],
)
def test_a_cell_that_is_not_python_is_refused_with_its_line(source: str, line: int) -> None:
    with pytest.raises(MlopsError) as caught:
        flow(source)
    assert caught.value.code == "pipeline.syntax"
    assert caught.value.place is not None
    assert caught.value.place.line == line


def test_nothing_is_imported_or_run() -> None:
    assert flow("import nobody_has_this\n1 / 0").writes == {"nobody_has_this": 1}
