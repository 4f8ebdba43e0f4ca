"""More languages for random notebooks: what real ones do, where objects hide what happens.

`IDIOMS` are Python's own ways: properties, operators and attributes of the notebook's classes,
closures, decorators, generators, code as text. `LEARNING` are views, frames and estimators.
"""

from __future__ import annotations

from .cell_programs import PLAIN, TABLES, Language, _class

IDIOM_IMPORTS = f"""\
{PLAIN.imports}
import contextlib, sys, types
from functools import cached_property, lru_cache, partial, singledispatch, wraps
from types import SimpleNamespace"""
IDIOM_DEFINITIONS = {
    "Jar": """\
class Jar:
    total = 0
    log = []

    def __init__(self, items):
        self.x = SimpleNamespace(y=items)
        self._asked = 0

    @property
    def asked(self):
        self._asked += 1
        return self._asked

    @asked.setter
    def asked(self, v):
        self._asked = v
        type(self).total += 1

    @property
    def first(self):
        self.x.y.append(0)
        return self.x.y

    @classmethod
    def count(cls, by=1):
        cls.total += by
        return cls.total

    @staticmethod
    def grow(v, w):
        v.append(w)
        return v

    def note(self, v):
        self.x.y.append(v)
        return self

    def swap(self, other):
        self.x, other.x = other.x, self.x

    def keep(self):
        self.log.append(len(self.x.y))
        return self.log

    def each(self):
        for v in self.x.y:
            yield v

    def __getattr__(self, name):
        if name != "ghost":
            raise AttributeError(name)
        self.x.y.append(name)
        return self.x.y

    def __getitem__(self, key):
        return self.x.y[key]

    def __setitem__(self, key, v):
        self.x.y.append(v)

    def __delitem__(self, key):
        self.x.y.pop(key)

    def __iadd__(self, other):
        self.x.y.extend(other)
        return self

    def __add__(self, other):
        self.x.y.append(1)
        return self

    def __len__(self):
        return len(self.x.y)

    def __iter__(self):
        return iter(self.x.y)

    def __contains__(self, v):
        self._asked += 1
        return v in self.x.y

    def __call__(self, v):
        self.x.y.append(v)
        return self.x.y

    def __enter__(self):
        self.x.y.append("in")
        return self.x.y

    def __exit__(self, *error):
        self.x.y.append("out")
        return True

    def __eq__(self, other):
        self._asked += 1
        return self is other

    __hash__ = None

    @recursive_repr()
    def __repr__(self):
        return f"Jar({self.x.y!r}, {self._asked})"


class LateJar(Jar):
    total = 5

    def note(self, v):
        super().note(v)
        return super().note(len(self))""",
    "Stack": "class Stack(list):\n    def push(self, v):\n        self.append(v)\n"
    "        return self\n\n    def __setitem__(self, key, v):\n"
    "        super().__setitem__(key, v)\n        self.append(key)",
    "Lazy": "class Lazy:\n    def __init__(self, source):\n        self.source = source\n\n"
    "    @cached_property\n    def made(self):\n        return [self.source]",
    "Slotted": "class Slotted:\n    __slots__ = ('held',)\n\n    def __init__(self, held):\n"
    "        self.held = held",
    "push": PLAIN.definitions["push"],
    "apply": PLAIN.definitions["apply"],
    "track": "def track(function, seen=[]):\n    @wraps(function)\n"
    "    def inner(*given, **named):\n        seen.append(len(given))\n"
    "        return function(*given, **named)\n\n    inner.seen = seen\n    return inner\n\n\n"
    "@track\ndef noted(v):\n    v.append(len(v))\n    return v",
    "register": "handlers = {}\n\n\ndef register(name):\n    def decorate(function):\n"
    "        handlers[name] = function\n        return function\n\n    return decorate",
    "pair": "def pair():\n    box = []\n\n    def put(v):\n        box.append(v)\n"
    "        return len(box)\n\n    def get():\n        return box\n\n    return put, get",
    "toggle": "def toggle(v):\n    state = v\n\n    def flip(w=None):\n        nonlocal state\n"
    "        state, old = w, state\n        return old\n\n    return flip",
    "running": "def running():\n    total = []\n    while True:\n        v = yield total\n"
    "        if v is None:\n            return total\n        total.append(v)",
    "memo": "@lru_cache(maxsize=None)\ndef memo(v):\n    xs.append(v)\n    return [v]",
    "by_size": "def by_size(v, sizes={}):\n    sizes[str(v)] = len(sizes)\n    return len(str(v))",
    "seen_key": "def seen_key(v):\n    ys.append(1)\n    return str(v)",
    "scoped": "@contextlib.contextmanager\ndef scoped(v):\n    v.append('open')\n    try:\n"
    "        yield v\n    finally:\n        v.append('close')",
    "either": "def either(v, w):\n    try:\n        v.append(w[0])\n        w[9]\n"
    "    except IndexError:\n        v, w = w, v\n        v.append(1)\n    else:\n"
    "        return v\n    finally:\n        w.append(2)\n    return w",
    "fold": "def fold(v, depth=2):\n    if depth:\n        fold(v, depth - 1)\n    v.append(depth)",
    "deep": "def deep(v):\n    def one():\n        def two():\n            v.append(n)\n"
    "            return v\n\n        return two\n\n    return one",
    "set_global": "def set_global(v):\n    globals()['n'] = v\n    return n",
    "swap_global": "def swap_global():\n    global xs, ys\n    xs, ys = ys, xs",
    "unset": "def unset():\n    global extra\n    extra = [n]\n    del extra",
    "show": "@singledispatch\ndef show(v):\n    return 'other'\n\n\n@show.register\n"
    "def _show_list(v: list):\n    v.append('shown')\n    return v",
}
IDIOM_START = """\
n, m, k = 1, 2, 3
xs, ys, zs = [1, 5], [2], [3, 4]
ds, es = {'k': [4]}, {'a': [1]}
s, t = {1, 2}, {3}
space = SimpleNamespace(a=xs, b=SimpleNamespace(c=ys))"""
IDIOM_STATEMENTS = {
    "{i} = {d}": 2,
    "{l} = [{I}, {d}]": 2,
    "{l} = {L}": 4,
    "{l} = {L}[:]": 1,
    "{l} = [{L}, {L}]": 2,
    "{L}.append({I})": 3,
    "{L}.append({L})": 1,
    "{L} += [{I}]": 1,
    "{d_} = {D}": 1,
    "{d_} = {{'k': {L}}}": 2,
    "{D}['k'] = {L}": 2,
    "{l} = {D}['k']": 2,
    "{j} = Jar({L})": 4,
    "{j} = Jar([{I}])": 1,
    "{j} = LateJar({L})": 1,
    "{j} = {J}": 2,
    "{j} = copy.copy({J})": 1,
    "{j} = copy.deepcopy({J})": 1,
    "{J}.x.y.append({I})": 3,
    "{J}.x.y = {L}": 1,
    "{J}.x = {J}.x": 1,
    "{l} = {J}.x.y": 2,
    "{i} = {J}.asked": 1,
    "{J}.asked = {I}": 1,
    "{J}.asked += 1": 1,
    "{l} = {J}.first": 1,
    "{J}.first": 1,
    "{i} = {J}.count({d})": 1,
    "{i} = Jar.count()": 1,
    "{i} = Jar.total": 1,
    "{J}.total += 1": 1,
    "type({J}).total = {I}": 1,
    "{J}.__class__.log.append({I})": 1,
    "Jar.log = {L}": 1,
    "{l} = Jar.grow({L}, {I})": 1,
    "{J}.grow({L}, {d})": 1,
    "{J}.note({I}).note({L})": 1,
    "{J}.swap({J})": 1,
    "{l} = {J}.keep()": 1,
    "{l} = list({J}.each())": 1,
    "{l} = {J}.ghost": 1,
    "{J}[0] = {I}": 1,
    "{a} = {J}[0]": 1,
    "del {J}[0]": 1,
    "{J} += [{I}]": 1,
    "{j} = {J} + {I}": 1,
    "{i} = len({J})": 1,
    "{i} = int({I} in {J})": 1,
    "{i} = int({J} == {J})": 1,
    "{l} = {J}({I})": 1,
    "with {J} as inside:\n    inside.append({I})\n    inside[99]\n    {l} = inside": 1,
    "with {J} as {l}:\n    pass": 1,
    "{l} = [*{J}, {I}]": 1,
    "for v in {J}:\n    last = v": 1,
    "{l} = Stack({L})": 1,
    "{l} = Stack().push({L})": 1,
    "Lazy({L}).made": 1,
    "lazy = Lazy({L})\n{l} = lazy.made": 1,
    "lazy = Lazy({L})": 1,
    "lazy.made.append({I})": 1,
    "{a} = Slotted({L})": 1,
    "slot = Slotted({L})\nslot.held.append({I})\n{l} = slot.held": 1,
    "space.a.append({I})": 2,
    "space.b.c.append({I})": 2,
    "space.a = {L}": 1,
    "space.b.c = {L}": 1,
    "space.b = SimpleNamespace(c={L}, d={I})": 1,
    "{l} = space.a": 1,
    "{l} = space.b.c": 1,
    "vars(space)['a'] = {L}": 1,
    "{l} = vars(space.b)['c']": 1,
    "setattr(space.b, 'c', {L})": 1,
    "getattr(space, 'a').append({I})": 1,
    "{l} = getattr(space, 'zz', {L})": 1,
    "space.__dict__.update(a={L})": 1,
    "{f} = track(push)": 1,
    "{a} = {F}({L})": 2,
    "{a} = {F}()": 1,
    "{a} = {F}({I})": 1,
    "{f} = {F}": 1,
    "{f}, {f} = pair()": 2,
    "{f} = toggle({L})": 1,
    "{f} = deep({L})()": 1,
    "{f} = partial(push, {L}, w={I})": 1,
    "{f} = partial({F}, {I})": 1,
    "{f} = {J}.note": 1,
    "{f} = {L}.append": 1,
    "{f} = {J}": 1,
    "{f} = lambda v=0, held={L}: held.append(v)": 1,
    "{f} = (lambda held: lambda: held)({L})": 1,
    "@track\ndef own(v):\n    v.append({I})\n    return {L}\n{l} = own({L})": 1,
    "@register('a')\ndef handle(v={L}):\n    v.append({d})\n    return v": 1,
    "{l} = handlers['a']()": 1,
    "{l} = handlers['a']({L})": 1,
    "noted({L})": 1,
    "{l} = noted({L})": 1,
    "{i} = len(noted.seen)": 1,
    "{l} = memo({I})": 1,
    "memo({d}).append({I})": 1,
    "{i} = memo.cache_info().hits": 1,
    "memo.cache_clear()": 1,
    "{l} = sorted({L}, key=by_size)": 1,
    "{l} = sorted({L}, key=seen_key)": 1,
    "{l} = sorted({L}, key=lambda v: ({L}.append(0), str(v)))": 1,
    "{l} = max([{L}, {L}], key=seen_key)": 1,
    "{L}.sort(key=seen_key)": 1,
    "with scoped({L}) as {l}:\n    {l}.append({I})": 1,
    "with scoped({L}), scoped({L}):\n    {i} = {d}": 1,
    "with contextlib.ExitStack() as stack:\n    {l} = stack.enter_context(scoped({L}))\n"
    "    stack.callback({L}.append, {I})\ndel stack": 1,
    "{l} = either({L}, {L})": 1,
    "fold({L})": 1,
    "set_global({I})": 1,
    "swap_global()": 1,
    "unset()": 1,
    "{l} = show({L})": 1,
    "gen = running()\nnext(gen)\ngen.send({I})\n{l} = gen.send({d})\ndel gen": 1,
    "gen = (v for v in {L})\n{i} = sum(1 for v in gen)\ndel gen": 1,
    "gen = iter({L})\n{a} = next(gen, {I})\n{l} = list(gen)\ndel gen": 1,
    "{l} = list(map({L}.append, [{I}]))": 1,
    "{l} = list(filter({L}.append, [{I}]))": 1,
    "{i} = any({L}.append(v) for v in [{I}, {d}]) + {d}": 1,
    "{i} = sum(1 for v in {L} if {L}.count(v) and ({L} is not None))": 1,
    "{l} = [y for v in {L} if (y := str(v))]": 1,
    "{l} = [v for v in range({d}) if (last := v) % 2]": 1,
    "{l} = [(w := v) for v in {L} if (seen_last := v) is not {L}]": 1,
    "{l} = [w for v in [{L}, {L}] for w in v]": 1,
    "{l} = [(lambda: v) for v in [{L}]][0]()": 1,
    "first, *{l}, last = [{I}, *{L}, {d}]": 1,
    "({l}, [{i}, *{l}]) = ({L}, ({I}, {L}))": 1,
    "for {i}, {l} in enumerate([{L}, {L}]):\n    {L}.append({I})": 1,
    "for {D}['last'] in {L}:\n    pass": 1,
    "for space.a in [{L}, {L}]:\n    space.a.append({d})": 1,
    "for v in list({L}):\n    if v == {I}:\n        break\nelse:\n    {l} = [{d}]": 1,
    "while {I} < 0:\n    pass\nelse:\n    {L}.append({d})": 1,
    "for v in {L}[:4]:\n    if v == {d}:\n        {l} = {L}\n        continue\n    {i} = {d}": 1,
    "try:\n    {L}.append({I})\n    {l} = {L}\n    raise KeyError({d})\n"
    "except (KeyError, ValueError) as error:\n    {L}.append(error.args[0])\n"
    "else:\n    {l} = []\nfinally:\n    {L}.append('f')": 1,
    "try:\n    {l} = [{d}]\n    try:\n        {l}[7]\n    finally:\n        {L}.append({I})\n"
    "except IndexError:\n    {i} = {d}": 1,
    "try:\n    raise ExceptionGroup('g', [KeyError(1)])\nexcept* KeyError as group:\n"
    "    {L}.append(len(group.exceptions))": 1,
    "match {D}:\n    case {{'k': [one, *{l}]}} if {I} > 1:\n        {L}.append(one)\n"
    "    case {{'k': {l}, **rest}}:\n        rest['z'] = {L}\n    case _:\n        {i} = {d}": 1,
    "match {J}:\n    case Jar(x=held):\n        held.y.append({I})\n    case _:\n        pass": 1,
    "match [{L}, {I}]:\n    case [list() as {l}, int() as {i}]:\n        {l}.append({d})": 1,
    "del {l}\n{l} = [{d}]": 1,
    "del {i}": 1,
    "if {I} % 2:\n    del {l}": 1,
    "if {I} % 2:\n    extra = {L}\nelse:\n    extra = [{d}]\nextra.append({I})": 1,
    "if {I} > 2:\n    def pick(v):\n        return v\nelse:\n    pick = list\n{l} = pick({L})": 1,
    "try:\n    extra\nexcept NameError:\n    extra = {L}": 1,
    "if 'extra' not in globals():\n    extra = [{I}]": 1,
    "{l} = globals()['xs']": 1,
    "globals()['ys'].append({I})": 1,
    "{i} = globals().get('n', 0)": 1,
    "globals()['late'] = {L}": 1,
    "globals().update(zs={L})": 1,
    "{l} = late": 1,
    "{i} = eval('n + m')": 1,
    "{l} = eval('xs')": 1,
    "eval('zs.append(n)')": 1,
    "exec('ys.append(m)')": 1,
    "exec('k = n + 1')": 1,
    "exec('hidden = xs')": 1,
    "{l} = hidden": 1,
    "{i} = eval('v + 1', {{'v': {I}}})": 1,
    "exec('made = v', {{}}, {D})": 1,
    "sys.modules['__main__'].__dict__": 1,
    "{i} = len([name for name in dir() if name == 'xs'])": 1,
    "{i} = (lambda *given, **named: len(given) + len(named))(*{L}, **{{'a': {I}}})": 1,
    "def spread(one, /, *rest, last={L}, **more):\n    last.append(one)\n    return rest, more\n"
    "{a} = spread(*[{L}, {I}], k={I})": 1,
    "def annotated(v: {L} = {L}) -> [{I}]:\n    return v\n{l} = annotated()": 1,
    "def late_default(v={L}[:]):\n    v.append({I})\n    return v\n{l} = late_default()": 1,
    "async def soon(v):\n    v.append({I})\n    return v": 1,
    "class Local:\n    held = {L}\n    size = len(held)\n    if {I} % 2:\n"
    "        held.append({d})": 1,
    "{l} = Local.held": 1,
    "Local.held.append({I})": 1,
    "Local.size = {I}": 1,
    "Local.extra = lambda self: {L}": 1,
    "class Child(Jar):\n    shared = {L}\n\n    def note(self, v):\n"
    "        self.shared.append(v)\n        return super().note(v)\n{j} = Child({L})": 1,
    "{j} = type('Made', (Jar,), {{'total': {I}}})({L})": 1,
    "Jar.note = lambda self, v: self": 1,
    "{a} = dataclass(type('Row', (), {{'__annotations__': {{'v': list}}}}))({L})": 1,
    "{l} = {D}.setdefault('q', {L})": 1,
    "{D}.setdefault('q', []).append({I})": 1,
    "view = {D}.values()\n{D}['n'] = {I}\n{l} = list(view)\ndel view": 1,
    "{l} = [*{D}]": 1,
    "{d_} = {D}.copy()": 1,
    "{d_} = dict(zip('ab', [{L}, {L}]))": 1,
    "{d_} = dict.fromkeys('ab', {L})": 1,
    "for held in {D}.values():\n    held.append({I})": 1,
    "{d_} = {{key: held for key, held in {D}.items()}}": 1,
    "{d_} = types.MappingProxyType({D}).copy()": 1,
    "{a} = ({L},)\n{a}[0].append({I})": 1,
    "{a} = frozenset([{I}])": 1,
    "{l} = ({L} and {L}) or [{I}]": 1,
    "{l} = {L} * 1": 1,
    "{l} = list(reversed({L}))": 1,
    "{l} = [{L}][-1]": 1,
    "{l} = sum([[{L}], [{L}]], [])[0]": 1,
    "{l}[1:1] = {L}": 1,
    "{L}[:] = {L}": 1,
    "{L}[::2] = [{I} for _ in {L}[::2]]": 1,
    "assert {I} >= 0, {L}.append({I})": 1,
    "{i} = {I} if {L} else {L}.append({d}) or {d}": 1,
    "{i}: int = {I}": 1,
    "{i} = {i} = {I}": 1,
    "print({A}, {A})": 6,
    "print({L} is {L}, {D} is {D})": 1,
    "print({J} is {J}, {J}.x is {J}.x, {J}.x.y is {L})": 1,
    "{i} = {{id({L}): {I}}}.get(id({L}), {d})": 1,
    "print(f'{{{L}!r:.20}}', f'{{{L}.append({I})}}')": 1,
}
IDIOMS = Language(
    "IDIOMS",
    IDIOM_IMPORTS,
    IDIOM_START,
    IDIOM_DEFINITIONS,
    IDIOM_STATEMENTS,
    {**PLAIN.kinds, "J": _class("Jar")},
)

LEARNING_IMPORTS = """\
import copy
import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler"""
LEARNING_DEFINITIONS = {
    "Centre": "class Centre(BaseEstimator, TransformerMixin):\n    def __init__(self, by=1):\n"
    "        self.by = by\n\n    def fit(self, X, y=None):\n        self.seen_ = X\n"
    "        self.mean_ = float(np.mean(X))\n        return self\n\n    def transform(self, X):\n"
    "        return X - self.mean_ * self.by",
    "train": "def train(model, X, y):\n    model.fit(X, y)\n    return model",
    "with_ratio": "def with_ratio(frame):\n    frame['ratio'] = frame.a / 2\n    return frame",
    "ratio_of": "def ratio_of(frame):\n    return frame.assign(ratio=frame.a / 2)",
    "notes": "log = []\n\n\ndef notes(group):\n    log.append(len(group))\n"
    "    return group.a.sum()",
    "scale": "def scale(arr, by=2):\n    arr *= by",
    "views": "def views(arr):\n    return arr[:2], arr[2:]",
    "fill": "def fill(arr, value=0):\n    for row in arr:\n        row[...] = value\n"
    "    return arr",
}
LEARNING_START = """\
df = pd.DataFrame({'a': [3., 1., 2., 5.], 'b': [1., 4., 2., 2.], 'k': list('xyxy')})
dg = df.assign(a=df.a * 2)
u = np.arange(8.)
v = np.ones(6)
w = np.arange(12.).reshape(3, 4)
n, m = 1, 2
xs, ds = [], {}
model, other_model = LinearRegression(), Ridge()
scaler, other_scaler = StandardScaler(), MinMaxScaler()
cache = {}"""
LEARNING_STATEMENTS = {
    "{i} = {d}": 1,
    "{t} = {T}": 3,
    "{t} = {T}.copy()": 1,
    "{t} = {T}.assign(q=lambda each: each.a + {I})": 1,
    "{T}.eval('q = a + b', inplace=True)": 1,
    "{t} = {T}.eval('q = a - b')": 1,
    "{t} = {T}.query('a > @n')": 1,
    "{T}.a = {d}": 1,
    "{T}.a *= 2": 1,
    "{T}.loc[0] = [{d}] * {T}.shape[1]": 1,
    "{T}.loc[{T}.a > {d}, 'b'] = {I}": 1,
    "{T}.iloc[:, 0] = {d}": 1,
    "{z} = {T}.pop('b')\n{T}['b'] = {Z}": 1,
    "{T}.insert(1, 'i' + str({T}.shape[1]), {d})": 1,
    "{T}.rename(columns={{'q': 'r'}}, inplace=True)": 1,
    "{T}.drop(columns=['q'], inplace=True, errors='ignore')": 1,
    "{T}.reset_index(drop=True, inplace=True)": 1,
    "{T}.fillna({{'b': {d}}}, inplace=True)": 1,
    "{T}.index = range(1, len({T}) + 1)": 1,
    "{T}.index.name = 'row{d}'": 1,
    "{T}.attrs['note'] = {I}": 1,
    "{i} = {T}.attrs.get('note', 0)": 1,
    "{t} = {T}.pipe(with_ratio)": 1,
    "{t} = {T}.pipe(ratio_of)": 1,
    "with_ratio({T})": 1,
    "{z} = {T}.groupby('k')[['a']].apply(notes)": 1,
    "{z} = {T}.groupby('k').a.transform('mean')": 1,
    "{z} = {T}.apply(lambda row: log.append(row.a) or row.a, axis=1)": 1,
    "{z} = {T}.a.apply(lambda each: cache.setdefault(each, len(cache)))": 1,
    "{z} = {T}.a.map(cache)": 1,
    "{t} = {T}.map(lambda each: each)": 1,
    "{z} = {T}.a": 1,
    "{Z}.iloc[0] = {d}": 1,
    "{Z}.name = 'z{d}'": 1,
    "{Z} += 1": 1,
    "{Z}.clip(0, {d}, inplace=True)": 1,
    "{r} = {Z}.to_numpy()": 1,
    "{r} = np.array({Z})": 1,
    "{t} = pd.DataFrame({R}.reshape(-1, 2), columns=['a', 'b'])\n{T}['k'] = 'x'": 1,
    "{t} = pd.DataFrame({{'a': {R}[:3].ravel()[:3], 'b': 1., 'k': 'y'}})": 1,
    "{t} = {T}[['a', 'b', 'k']]": 1,
    "{t}, {t} = {T}.iloc[:2], {T}.iloc[2:]": 1,
    "groups = dict(list({T}.groupby('k')))\n{i} = len(groups)": 1,
    "for key, group in {T}.groupby('k'):\n    group['a'] = {d}": 1,
    "for row in {T}.itertuples():\n    xs.append(row.a)": 1,
    "{r} = {R}": 3,
    "{r} = {R}.view()": 2,
    "{r} = {R}.squeeze()": 1,
    "{r} = np.ravel({R})": 1,
    "{r} = np.transpose({R})": 1,
    "{r} = np.expand_dims({R}, 0)": 1,
    "{r} = {R}.swapaxes(0, -1)": 1,
    "{r} = {R}[None]": 1,
    "{r} = {R}[[0, 1]]": 1,
    "{r} = np.split({R}.ravel(), 2)[0]": 1,
    "{r}, {r} = views({R})": 1,
    "{r} = np.broadcast_to({R}, (2, *{R}.shape))": 1,
    "{r} = {R}.real": 1,
    "{r} = np.diagonal({R})": 1,
    "{r} = np.lib.stride_tricks.sliding_window_view({R}.ravel(), 2)": 1,
    "{r} = np.frombuffer({R}.data if {R}.flags.c_contiguous else b'12345678')": 1,
    "{r} = np.nan_to_num({R}, copy=False)": 1,
    "{r} = np.require({R}, requirements='C')": 1,
    "{r} = {R}.astype(float, copy=False)": 1,
    "{r} = {R}.copy()": 1,
    "{r} = np.where({R} > {d}, {R}, 0)": 1,
    "{r} = np.stack([{R}.ravel()[:4], {R}.ravel()[:4]])": 1,
    "{R}.ravel()[0] = {d}": 1,
    "{R}.T[...] = {d}": 1,
    "{R}[[0, 1]] += {d}": 1,
    "{R}.shape = (-1,)": 1,
    "{R}.flags.writeable = False": 1,
    "{R}.partition(0)": 1,
    "{R}.clip(0, {d}, {R})": 1,
    "{R}.cumsum(out={R})": 1,
    "np.add.at({R}, [0], {d})": 1,
    "np.multiply({R}, 2, where={R} > 1, out={R})": 1,
    "np.negative({R}, {R})": 1,
    "np.fill_diagonal({R}, {d})": 1,
    "memoryview({R})[0] = {d}": 1,
    "for each in np.nditer({R}, op_flags=['readwrite']):\n    each[...] = each + 1": 1,
    "for row in {R}:\n    row[...] = {d}": 1,
    "scale({R})": 1,
    "{r} = fill({R}, {d})": 1,
    "fill({R})": 1,
    "xs = [{R}, {R}[1:]]": 1,
    "xs[0][...] = {d}": 1,
    "ds['r'] = {R}": 1,
    "{r} = ds['r']": 1,
    "model.fit({T}[['a', 'b']], {T}['a'])": 2,
    "{e} = {E}": 2,
    "{e} = clone({E})": 1,
    "{e} = copy.copy({E})": 1,
    "{e} = copy.deepcopy({E})": 1,
    "{e} = train({E}, {T}[['a', 'b']], {T}['b'])": 1,
    "{e} = LinearRegression()": 1,
    "{E}.fit_intercept = False": 1,
    "{E}.set_params(fit_intercept=True)": 1,
    "vars({E})['note'] = {I}": 1,
    "{r} = {E}.predict({T}[['a', 'b']])": 1,
    "{r} = {E}.coef_": 1,
    "{E}.coef_[0] = {d}": 1,
    "{i} = round({E}.score({T}[['a', 'b']], {T}['b']), 6)": 1,
    "{c} = {C}": 1,
    "{c} = Centre({I})": 1,
    "{c} = Centre().fit({R})": 1,
    "{C}.fit({T}[['a', 'b']])": 2,
    "{r} = {C}.fit_transform({T}[['a', 'b']])": 1,
    "{r} = np.asarray({C}.transform({T}[['a', 'b']]))": 1,
    "{T}[['a', 'b']] = {C}.fit_transform({T}[['a', 'b']])": 1,
    "{i} = round(float(np.sum({C}.mean_)), 6)": 1,
    "pipe = Pipeline([('scale', {C}), ('model', {E})])": 2,
    "pipe = make_pipeline({C}, {E})": 1,
    "pipe.fit({T}[['a', 'b']], {T}['b'])": 2,
    "pipe.set_params(scale=Centre())": 1,
    "{e} = pipe.named_steps['model']": 1,
    "{e} = pipe[-1]": 1,
    "{c} = pipe.steps[0][1]": 1,
    "pipe.steps[-1] = ('model', {E})": 1,
    "{r} = pipe.predict({T}[['a', 'b']])": 1,
    "columns = ColumnTransformer([('s', {C}, ['a'])])\n"
    "{r} = np.asarray(columns.fit_transform({T}))": 1,
    "{c} = columns.named_transformers_['s']": 1,
    "models = {{'one': {E}, 'two': {E}}}": 1,
    "for name, each in models.items():\n    each.fit({T}[['a', 'b']], {T}['a'])": 1,
    "{e} = models['one']": 1,
    "{e} = max(models.values(), key=lambda each: each.fit({T}[['a']], {T}['b']).coef_[0])": 1,
    "scores = {{name: round(each.fit({T}[['a']], {T}['b']).score({T}[['a']], {T}['b']), 6)"
    " for name, each in models.items()}}\nprint(scores)": 1,
    "print({A}, {A})": 4,
    "print({R}.sum(), {T}.shape, np.shares_memory({R}, {R}), {E} is {E})": 2,
    "print({E}.get_params(), hasattr({E}, 'coef_'), hasattr({C}, 'mean_'))": 1,
}
LEARNING = Language(
    "LEARNING",
    LEARNING_IMPORTS,
    LEARNING_START,
    LEARNING_DEFINITIONS,
    LEARNING_STATEMENTS,
    {
        **TABLES.kinds,
        "E": lambda _, value: type(value).__name__ in ("LinearRegression", "Ridge"),
        "C": lambda _, value: type(value).__name__ in ("StandardScaler", "MinMaxScaler", "Centre"),
    },
)
