"""Random notebooks: cells of small Python programs, tagged into steps.

A program is built by running it: each statement is filled with variables that exist at that point
and have the right kind, and a statement that raises is wrapped in ``try``. So every program runs
from top to bottom. ``choose`` draws from a sequence: `random.Random.choice`, or one of hypothesis.
"""

from __future__ import annotations

import contextlib
import io
import random
import re
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

Cells = list[tuple[str, str]]
Choose = Callable[[Sequence[Any]], Any]

IMPORTS = """\
import bisect, copy, functools, heapq, itertools, operator
from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field
from reprlib import recursive_repr"""

DEFINITIONS = {
    "Bag": """\
class Bag:
    made = []

    def __init__(self, items):
        self.items = items

    def add(self, v):
        self.items.append(v)
        return self

    def replace(self, items):
        self.items = items

    def give(self):
        return self.items

    def remember(self):
        self.made.append(len(self.items))
        return list(self.made)

    def __iadd__(self, other):
        self.items.extend(other)
        return self

    @recursive_repr()
    def __repr__(self):
        return f"Bag({self.items!r})\"""",
    "Node": """\
@dataclass
class Node:
    value: int = 0
    children: list = field(default_factory=list)

    def grow(self, child):
        self.children.append(child)""",
    "push": "def push(v, w=0):\n    v.append(w)\n    return v",
    "peek": "def peek(v):\n    return v[0] if len(v) else None",
    "fresh": "def fresh(v):\n    v = list(v)\n    v.append(9)\n    return v",
    "wrap": "def wrap(v):\n    return [v]",
    "collect": "def collect(v, seen=[]):\n    seen.append(v)\n    return len(seen)",
    "hoard": "def hoard(v, seen=[]):\n    seen.append(v)\n    return seen",
    "both": "def both(v, w):\n    v.extend(w)\n    w.append(len(v))\n    return v, w",
    "apply": "def apply(function, v):\n    return function(v)",
    "spread": "def spread(*parts, **named):\n    for part in parts:\n"
    "        part.append(len(named))\n    return parts",
    "maker": "def maker():\n    box = []\n\n    def inner(v):\n        box.append(v)\n"
    "        return list(box)\n\n    return inner",
    "counter": "def counter(start=0):\n    count = start\n\n    def step():\n"
    "        nonlocal count\n        count += 1\n        return count\n\n    return step",
    "keep": "def keep(v):\n    def get():\n        return v\n\n    return get",
    "logged": "def logged(function):\n    calls = []\n\n    @functools.wraps(function)\n"
    "    def inner(*given):\n        calls.append(len(calls))\n"
    "        return function(*given), list(calls)\n\n    return inner",
    "walk": "def walk(v):\n    if isinstance(v, list):\n        for each in v:\n"
    "            if each is not v:\n                yield each",
}
"""Functions and classes; those below read and write the notebook's variables too."""

GLOBAL_DEFINITIONS = {
    "bump": "def bump():\n    global n\n    n += 1\n    return n",
    "push_global": "def push_global(v=1):\n    xs.append(v)",
    "rebind_global": "def rebind_global():\n    global ys\n    ys = list(ys) + [n]\n    return ys",
    "shared": "def shared():\n    return zs",
    "total": "def total():\n    return sum(v for v in xs if isinstance(v, int)) + n",
    "remember": "def remember(v):\n    ds[len(ds)] = v\n    return v",
    "set_late": "def set_late():\n    global late\n    late = n + 1",
}
START = """\
n, m, k = 1, 2, 3
xs, ys, zs = [1, 5], [2], [3, 4]
ds, es = {'k': [4]}, {'a': 1}
s, t = {1, 2}, {3}"""

STATEMENTS = {
    "{i} = {d}": 3,
    "{i} = {I} + {d}": 2,
    "{i} += {I}": 2,
    "{i} = len({L})": 2,
    "{i} = sum(v for v in {L} if isinstance(v, int))": 1,
    "({i} := {I} + 1)": 1,
    "{l} = [{I}, {d}]": 3,
    "{l} = {L}": 5,
    "{l} = {L}[:]": 2,
    "{l} = list({L})": 1,
    "{l} = {L}[1:]": 1,
    "{l} = {L} + [{I}]": 1,
    "{l} = [{L}, {L}]": 2,
    "{l} = [v for v in {L} if v != {d}]": 1,
    "{l} = [[v, {I}] for v in range({d})]": 1,
    "{l} = [[]] * 2": 1,
    "{l} = sorted({L}, key=str)": 1,
    "{l} = copy.deepcopy({L})": 1,
    "{l} = copy.copy({L})": 1,
    "{l} = list(map(lambda v: [v, {I}], {L}[:2]))": 1,
    "{l}, {l} = {L}, {L}": 2,
    "{i}, *{l} = [{I}, {d}, {I}]": 1,
    "[{l}, {i}] = {L}, {I}": 1,
    "{l} = {l} = {L}": 1,
    "{l} = {L} if {I} % 2 else {L}": 1,
    "{l} = {L} or {L}": 1,
    "{L}.append({I})": 4,
    "{L}.append({L})": 2,
    "{L}.append({D})": 1,
    "{L}.extend({L}[:3])": 1,
    "{L} += [{I}]": 2,
    "{L}[0] = {I}": 1,
    "{L}[0:1] = [{I}, {d}]": 1,
    "{L}[-1] += 1": 1,
    "{L}.sort(key=str)": 1,
    "{L}.reverse()": 1,
    "{i} = {L}.pop()": 1,
    "del {L}[0]": 1,
    "{L}.clear()": 1,
    "{L}.insert(0, {I})": 1,
    "operator.iadd({L}, [{I}])": 1,
    "operator.setitem({L}, 0, {d})": 1,
    "bisect.insort({L}, {I}, key=str)": 1,
    "heapq.heappush({L}, {I})": 1,
    "list.append({L}, {I})": 1,
    "{f} = {L}.append\n{F}({I})": 1,
    "for v in {L}[:3]:\n    if isinstance(v, list):\n        v.append({d})": 2,
    "for v in [{L}, {L}]:\n    last = v\nlast.append({I})": 1,
    "for {i} in range({d}):\n    {L}.append({I})": 1,
    "for i, v in enumerate({L}[:3]):\n    {L}[i] = v": 1,
    "while {I} > 20:\n    {i} = {d}\n    break": 1,
    "while len({L}) > 8:\n    {L}.pop()": 1,
    "if {I} % 2:\n    {l} = {L}\nelse:\n    {l} = [{d}]": 2,
    "if {I} > {I}:\n    {L}.append({d})": 2,
    "if {I} > {I}:\n    {l} = {L}": 2,
    "if len({L}) > 2:\n    def chosen(v):\n        return [v, {I}]\nelse:\n    def chosen(v):\n"
    "        return {L}\n{a} = chosen({L})": 1,
    "try:\n    {L}.remove({I})\nexcept ValueError as error:\n    {i} = 0": 1,
    "try:\n    {l} = {L}\n    {L}[99]\nexcept IndexError:\n    {L}.append({d})\n"
    "finally:\n    {i} = {d}": 1,
    "with contextlib_suppress(IndexError):\n    {L}.append({L}[{d}])": 1,
    "match {L}:\n    case [one, *rest]:\n        {l} = rest\n    case _:\n        {i} = {d}": 1,
    "match {A}:\n    case list() as found:\n        found.append({d})\n    case {{'k': found}}:\n"
    "        {l} = [found]\n    case _:\n        pass": 1,
    "[{L}.append(v) for v in ({I}, {d})]": 1,
    "[last := v for v in {L}]": 1,
    "{d_} = {D}": 3,
    "{d_} = dict({D})": 1,
    "{d_} = {{'k': {L}}}": 2,
    "{d_} = {{**{D}, 'z': {L}}}": 1,
    "{d_} = {{v: {L} for v in range({d})}}": 1,
    "{d_} = {D} | {{'j': {I}}}": 1,
    "{D}['k'] = {L}": 3,
    "{D}['k'] = {D}": 1,
    "{D}[{I}] = {I}": 1,
    "{D}.setdefault('k', []).append({I})": 1,
    "{D}.update(q={L})": 1,
    "{D} |= {{'w': {L}}}": 1,
    "{l} = {D}.get('k', [])": 2,
    "{l} = list({D}.values())": 1,
    "{l} = {D}['k']": 2,
    "{a} = {D}.pop('k')": 1,
    "for key, v in {D}.items():\n    if isinstance(v, list):\n        v.append({d})": 1,
    "for v in {D}.values():\n    if isinstance(v, dict):\n        v['n'] = {d}": 1,
    "del {D}['k']": 1,
    "{i} = len({D})": 1,
    "{s} = {S}": 2,
    "{s} = {{{I}, {d}}}": 1,
    "{s} = set({S})": 1,
    "{s} = {S} | {S}": 1,
    "{S} |= {{{I}}}": 2,
    "{S}.add({I})": 2,
    "{S}.discard({d})": 1,
    "{S}.update([{I}])": 1,
    "{i} = len({S} & {S})": 1,
    "{b} = Bag({L})": 3,
    "{b} = Bag([{I}])": 1,
    "{b} = {B}": 2,
    "{b} = copy.copy({B})": 1,
    "{B}.add({I})": 2,
    "{B}.add({L}).add({d})": 1,
    "{B}.items.append({I})": 1,
    "{B}.items = {L}": 1,
    "{B}.replace({L})": 1,
    "{B} += [{I}]": 1,
    "{l} = {B}.items": 2,
    "{l} = {B}.give()": 2,
    "{l} = {B}.remember()": 1,
    "Bag.made.append({I})": 1,
    "setattr({B}, 'items', {L})": 1,
    "getattr({B}, 'items').append({d})": 1,
    "{L}.append({B})": 1,
    "{D}['k'] = {B}": 1,
    "class Small(Bag):\n    limit = {I}\n\n    def give(self):\n"
    "        return self.items[:self.limit]\n{b} = Small({L})": 1,
    "{o} = Node({I})": 1,
    "{o} = Node({I}, {L})": 1,
    "{o} = {O}": 1,
    "{O}.grow({O})": 1,
    "{O}.value += 1": 1,
    "{O}.children.append({I})": 1,
    "{l} = {O}.children": 1,
    "{l} = push({L}, {I})": 2,
    "push({L}, {L})": 1,
    "push(w={I}, v={L})": 1,
    "{l} = fresh({L})": 1,
    "{l} = wrap({L})": 1,
    "{a} = peek({L})": 1,
    "{i} = collect({I})": 1,
    "{l} = hoard({L})": 1,
    "both({L}, {L})": 1,
    "{l}, {l} = both({L}, {L})": 1,
    "{a} = apply(push, {L})": 1,
    "{a} = apply(lambda v: v.append({I}), {L})": 1,
    "{a} = apply({F}, {L})": 1,
    "spread({L}, {L})": 1,
    "{a} = spread(*[{L}, {L}], k={I})": 1,
    "{f} = maker()": 1,
    "{f} = keep({L})": 2,
    "{f} = counter({I})": 1,
    "{f} = logged(push)": 1,
    "{f} = lambda: {L}": 1,
    "{f} = lambda: {I} + {d}": 1,
    "{f} = lambda v={L}: v": 1,
    "{f} = functools.partial(push, {L})": 1,
    "{f} = {F}": 1,
    "{a} = {F}()": 2,
    "{a} = {F}({I})": 2,
    "{a} = {F}({L})": 1,
    "for each in walk({L}):\n    if isinstance(each, list):\n        each.append({d})": 1,
    "def local(v=[]):\n    v.append({I})\n    return v\n{l} = local()": 1,
    "def reads():\n    return [{I}, len({L})]": 1,
    "{a} = reads()": 1,
    "{l} = [f() for f in [lambda v=v: [v] for v in {L}[:2]]]": 1,
    "{i} = bump()": 1,
    "push_global()": 1,
    "{l} = rebind_global()": 1,
    "{l} = shared()": 1,
    "{i} = total()": 1,
    "{a} = remember({L})": 1,
    "set_late()\n{i} = late": 1,
    "del {i}\n{i} = {d}": 1,
    "del {A}": 1,
    "{a} = deque({L})": 1,
    "{d_} = defaultdict(list)\n{D}['k'].append({I})": 1,
    "{d_} = Counter(str(v) for v in {L})": 1,
    "{i} = next(iter({L}))": 1,
    "{a} = list(zip({L}, {L}))": 1,
    "{a} = ({L}, {D})": 1,
    "{a} = list(itertools.chain({L}, {L}))": 1,
    "{a} = functools.reduce(lambda one, other: one, [{L}, {L}])": 1,
    "{a} = max([{L}, {L}], key=len)": 1,
    "print({A}, {A})": 6,
    "print({L} is {L}, {D} is {D})": 2,
}
"""Statements with their weight; see `_KINDS` for the letters in braces."""

TABLE_IMPORTS = """\
import copy
import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression
from sklearn.preprocessing import StandardScaler
from sklearn.pipeline import make_pipeline"""
TABLE_DEFINITIONS = {
    "add_flag": "def add_flag(frame):\n    frame['f'] = frame['a'] > 2\n    return frame",
    "with_g": "def with_g(frame):\n    frame = frame.copy()\n    frame['g'] = 1\n    return frame",
    "norm": "def norm(arr):\n    arr -= arr.mean()\n    return arr",
    "half": "def half(arr):\n    return arr[::2]",
    "window": "def window(arr, by=1):\n    return arr[by:]",
    "Holder": "class Holder:\n    def __init__(self, arr):\n        self.arr = arr\n\n"
    "    def scale(self):\n        self.arr *= 2\n        return self",
}
TABLE_START = """\
df = pd.DataFrame({'a': [3., 1., 2., 5.], 'b': [1., 4., 2., 2.], 'k': list('xyxy')})
dg = df.assign(a=df.a * 2)
u = np.arange(8.)
v = np.ones(6)
w = np.arange(12.).reshape(3, 4)
ds, es = {'u': u}, {'df': df}
xs, ys = [u, v], [df]
n, m = 1, 2
rng = np.random.default_rng(0)
model = LinearRegression()"""
TABLE_STATEMENTS = {
    "{i} = {d}": 1,
    "{t}['c{d}'] = {T}['a'] * {d}": 1,
    "{T}['c{d}'] = {d}": 2,
    "{T}.loc[{T}.a > {d}, 'b'] = {I}": 2,
    "{T}.at[{T}.index[0], 'a'] = {d}": 1,
    "{T}.iloc[0, 0] = {d}": 1,
    "{t} = {T}": 3,
    "{t} = {T}.copy()": 1,
    "{t} = {T}[{T}.a > {d}]": 1,
    "{t} = {T}.sort_values('a')": 1,
    "{T}.sort_values('a', inplace=True)": 1,
    "{T}.sort_values('b')": 1,
    "{t} = {T}[['a', 'b']]": 1,
    "{t} = {T}.rename(columns={{'c1': 'c2'}})": 1,
    "{t} = pd.concat([{T}, {T}], ignore_index=True).head(8)": 1,
    "{T}.insert(0, 'i' + str({T}.shape[1]), {d})": 1,
    "{T}.drop(columns=[c for c in {T}.columns if c[0] == 'c'], inplace=True)": 1,
    "{T}.columns = [c + '' for c in {T}.columns]": 1,
    "{T}.pop('b')\n{T}['b'] = {d}": 1,
    "{T}['a'] += {d}": 1,
    "{T}.head()": 1,
    "{T}.describe();": 1,
    "{r} = {T}['a'].to_numpy(copy=True)": 1,
    "{r} = {T}['a'].values": 1,
    "{z} = {T}['a']": 1,
    "{z} = {Z} + 1": 1,
    "{z} = {T}.groupby('k').a.mean()": 1,
    "{Z}.iloc[0] = {d}": 1,
    "{T}['a'] = {T}['a'].fillna({d})": 1,
    "del {T}['k']\n{T}['k'] = 'x'": 1,
    "{T}.update({T}[['a']])": 1,
    "{t} = add_flag({T})": 1,
    "add_flag({T})": 1,
    "{t} = with_g({T})": 1,
    "with_g({T})": 1,
    "{r} = {R}": 3,
    "{r} = {R}[1:]": 3,
    "{r} = {R}[::-1]": 2,
    "{r} = {R}[::2]": 2,
    "{r} = {R}[:, 1:]": 2,
    "{r} = {R}[:, 0]": 1,
    "{r} = {R}[0]": 1,
    "{r} = {R}.T": 2,
    "{r} = {R}.reshape(-1)": 2,
    "{r} = {R}.ravel()": 1,
    "{r} = {R}.reshape(2, -1)": 1,
    "{r} = {R}.copy()": 1,
    "{r} = np.asarray({R})": 1,
    "{r} = np.array({R})": 1,
    "{r} = np.atleast_2d({R})": 1,
    "{r} = {R}[{R} > {d}]": 1,
    "{r} = np.sort({R})": 1,
    "{r} = np.concatenate([{R}.ravel(), {R}.ravel()])[:8]": 1,
    "{r} = half({R})": 1,
    "{r} = window({R})": 1,
    "{r} = norm({R})": 1,
    "norm({R})": 1,
    "{R}[0] = {d}": 4,
    "{R}[...] = {d}": 1,
    "{R} *= 2": 2,
    "{r} = {R} * 2": 1,
    "{R}.sort()": 1,
    "{R}.fill({d})": 1,
    "{R}[{R} > {d}] = 0": 1,
    "{R}.flat[0] = {d}": 1,
    "np.clip({R}, 0, {d} + 1, out={R})": 1,
    "np.add({R}, 1, {R})": 1,
    "np.copyto({R}, {d})": 1,
    "np.put({R}, [0], [{d}])": 1,
    "rng.shuffle({R})": 1,
    "{r} = rng.normal(size=6)": 1,
    "{i} = int(rng.integers(10))": 1,
    "ds['u'] = {R}": 2,
    "ds['u'][0] = {d}": 1,
    "{r} = ds['u']": 2,
    "{r} = ds['u'][1:]": 1,
    "ds = {{**ds, 'w{d}': {R}}}": 1,
    "es['df'] = {T}": 1,
    "{t} = es['df']": 1,
    "es['df']['e{d}'] = {d}": 1,
    "xs = [{R}, {R}]": 1,
    "{r} = xs[0]": 1,
    "xs[1][0] = {d}": 1,
    "for each in xs:\n    each[0] = {d}": 1,
    "ys = [{T}, {T}]": 1,
    "for each in ys:\n    each['z{d}'] = {d}": 1,
    "{t} = ys[0]": 1,
    "{h} = Holder({R})": 2,
    "{H}.scale()": 1,
    "{H}.arr[0] = {d}": 1,
    "{r} = {H}.arr": 1,
    "{r} = {H}.arr[1:]": 1,
    "model.fit({T}[['a', 'b']], {T}['a'])": 1,
    "model = LinearRegression().fit(np.ones((3, 1)), [1, 2, {d}])": 1,
    "{i} = round(float(model.intercept_), 6)": 1,
    "scaler = StandardScaler().fit({T}[['a', 'b']])": 1,
    "{r} = scaler.transform({T}[['a', 'b']])": 1,
    "pipe = make_pipeline(StandardScaler(), model)\npipe.fit({T}[['a', 'b']], {T}['a'])": 1,
    "print({A}, {A})": 6,
    "print({R}.sum(), {T}.shape, np.shares_memory({R}, {R}))": 2,
}

_TARGETS = {"i": "nmk", "l": ("xs", "ys", "zs"), "d_": ("ds", "es"), "s": "st", "a": "pq"} | {
    "b": ("bag", "box"),
    "o": ("tree", "leaf"),
    "f": ("inner", "late_call"),
    "t": ("df", "dg"),
    "r": "uvw",
    "z": ("col", "row"),
    "h": ("holder", "other"),
    "j": ("jar", "pot"),
    "e": ("model", "other_model"),
    "c": ("scaler", "other_scaler"),
}
"""What is assigned to, by the letter in a statement; capitals stand for what exists of a kind."""


@dataclass(frozen=True, repr=False)
class Language:
    """What programs are made of."""

    name: str
    imports: str
    start: str
    definitions: dict[str, str]
    statements: dict[str, int]
    kinds: dict[str, Callable[[str, Any], bool]] = field(default_factory=dict)

    def __repr__(self) -> str:
        return self.name

    def weighted(self) -> list[str]:
        return [form for form, weight in self.statements.items() for _ in range(weight)]


def _named(*kinds: type) -> Callable[[str, Any], bool]:
    return lambda _, value: type(value) in kinds


def _class(name: str) -> Callable[[str, Any], bool]:
    return lambda _, value: any(base.__name__ == name for base in type(value).__mro__)


_PLAIN_KINDS: dict[str, Callable[[str, Any], bool]] = {
    "I": _named(int),
    "L": _named(list),
    "D": lambda _, value: isinstance(value, dict),
    "S": _named(set),
    "B": _class("Bag"),
    "O": _class("Node"),
    "F": lambda name, value: name in _TARGETS["f"] and callable(value),
    "A": lambda name, _: any(name in names for names in _TARGETS.values()),
}
PLAIN = Language(
    "PLAIN",
    f"{IMPORTS}\nfrom contextlib import suppress as contextlib_suppress",
    START,
    {**DEFINITIONS, **GLOBAL_DEFINITIONS},
    STATEMENTS,
    _PLAIN_KINDS,
)
TABLES = Language(
    "TABLES",
    TABLE_IMPORTS,
    TABLE_START,
    TABLE_DEFINITIONS,
    TABLE_STATEMENTS,
    {
        **_PLAIN_KINDS,
        "T": _class("DataFrame"),
        "R": _class("ndarray"),
        "Z": _class("Series"),
        "H": _class("Holder"),
    },
)

_ADDRESS = " at 0x"
"""What is printed where an object shows where it lies: that is never the same twice."""


class Builder:
    """Builds one program; ``cells`` are what it has built so far."""

    def __init__(self, choose: Choose, language: Language) -> None:
        self.choose = choose
        self.language = language
        self.cells: Cells = []
        self.namespace: dict[str, Any] = {"__name__": "__main__"}
        self._forms = language.weighted()
        self._defined = {"push", "fresh", "wrap", "peek", "reads"}
        for text in language.definitions.values():
            self._defined |= set(re.findall(r"^(?:def |class |)(\w+)\b(?=[(:]| = )", text, re.M))

    def cell(self, tags: str, source: str) -> None:
        """Add a cell and run it."""
        self._run(source)
        self.cells.append((tags, source))

    def statements(self, count: int) -> str:
        """Return statements that run here, and run them."""
        found: list[str] = []
        while len(found) < count:
            text = self._filled(self.choose(self._forms))
            if text is None:
                continue
            try:
                if _ADDRESS in self._run(text):
                    continue
            except Exception:
                # It has run up to the error, and in the notebook it does so too.
                body = textwrap.indent(text, "    ")
                text = f"try:\n{body}\nexcept Exception as error:\n    print(type(error).__name__)"
            found.append(text)
        return "\n".join(found)

    def _run(self, source: str) -> str:
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile(source, "<program>", "exec"), self.namespace)
        return printed.getvalue()

    def _filled(self, form: str) -> str | None:
        needed = re.findall(r"\{(\w+)\}", form.replace("{{", "").replace("}}", ""))
        for name in set(re.findall(r"\b[A-Za-z_]\w*(?=[(.,)\[])", form)) & self._defined:
            if name not in self.namespace:
                return None
        parts: list[str] = []
        for letter in needed:
            if letter == "d":
                parts.append(str(self.choose(range(6))))
            elif letter in _TARGETS:
                parts.append(self.choose(_TARGETS[letter]))
            else:
                fits = self.language.kinds[letter]
                names = [n for n, v in self.namespace.items() if n[0] != "_" and fits(n, v)]
                names = [n for n in names if any(n in known for known in _TARGETS.values())]
                if not names:
                    return None
                parts.append(self.choose(sorted(names)))
        pieces = iter(parts)
        text = re.sub(r"(?<!\{)\{\w+\}(?!\})", lambda _: next(pieces), form)
        # Where a brace of a set or dict stands next to one of a variable.
        text = re.sub(r"\{\w+\}", lambda found: next(pieces, found[0]), text)
        return text.replace("{{", "{").replace("}}", "}")


def build(choose: Choose, language: Language = PLAIN) -> Cells:
    """Return a random program of 4 to 12 cells in 2 to 4 steps."""
    builder = Builder(choose, language)
    builder.cell("imports", language.imports)
    order = choose([0, 1, 2])
    start_tags = choose(["step:start", "step:start", "parameters", "functions"])
    if start_tags == "parameters" and language is not PLAIN:
        start_tags = "step:start"
    if order == 0:
        builder.cell(start_tags, _start(start_tags, language.start))
    names = [n for n in language.definitions if choose([True, True, False])]
    own = [n for n in names if choose([True, False, False])]
    builder.cell("functions", _definitions(language, [n for n in names if n not in own]))
    if order:
        builder.cell(start_tags, _start(start_tags, language.start))
    if own:
        builder.cell(choose(["functions", "step:start"]), _definitions(language, own))
    steps = choose([2, 2, 3, 3, 4])
    for step in range(steps):
        for part in range(choose([1, 1, 2])):
            tags = f"step:s{step}" if part == 0 else choose(["", f"step:s{step}"])
            if part == 0 and step and choose(range(8)) == 0:
                tags += f" {choose(['after', 'prev'])}:s{choose(range(step))}"
            if part and choose(range(4)) == 0:
                tags += " metrics"
            builder.cells.append((tags, builder.statements(choose([1, 2, 3, 4]))))
    if choose(range(10)) == 0:
        builder.cells.append(("step:s0", builder.statements(choose([1, 2]))))
    return builder.cells


def _start(tags: str, start: str) -> str:
    if tags != "parameters":
        return start
    # Parameters are plain assignments, one name each.
    return "n = 1\nm = 2\nk = 3\nxs = [1, 5]\nys = [2]\nzs = [3, 4]\nds = {'k': [4]}\nes = {'a': 1}"


def _definitions(language: Language, names: Sequence[str]) -> str:
    return "\n\n".join(language.definitions[name] for name in names) or "pass"


def seeded(seed: int, language: Language = PLAIN) -> Cells:
    """Return the program of that number."""
    return build(random.Random(seed).choice, language)


@st.composite
def programs(draw: st.DrawFn, language: Language = PLAIN) -> Cells:
    """Draw a program with hypothesis."""
    return build(lambda choices: draw(st.sampled_from(list(choices))), language)


def build_separate(choose: Choose) -> Cells:
    """Return a program whose steps share no object: each copies what it takes over.

    There is no reason to refuse such a program.
    """
    builder = Builder(choose, PLAIN)
    names = ["push", "fresh", "peek", "Node", "both", "keep", "walk", "apply", "maker"]
    builder.cell("imports", PLAIN.imports)
    builder.cell("functions", _definitions(PLAIN, names))
    common = dict(builder.namespace)
    for step in range(choose([2, 3, 4])):
        lines = ["n, m, k = 1, 2, 3", "xs, ys, zs = [1], [2], [3]", "ds, es = {}, {'k': [1]}"]
        lines.append("s, t = {1}, {2}")
        for _ in range(min(step, 2)):
            lines.append(f"xs.extend(copy.deepcopy(out{choose(range(step))}))")
        start = "\n".join(lines)
        builder.namespace = dict(common)
        builder._run(start)
        body = builder.statements(choose([1, 2, 3, 4]))
        end = f"out{step} = [str(zs), str(ds), n]"
        common[f"out{step}"] = [str(builder.namespace.get("zs")), "", 1]
        cell = f"{start}\n{body}\ntry:\n    {end}\nexcept NameError:\n    out{step} = [0]"
        builder.cells.append((f"step:s{step}", f"{cell}\nprint(out{step})"))
    return builder.cells
