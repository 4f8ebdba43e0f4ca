"""Values on disk: what goes in comes out, bound to the namespace that receives it."""

from __future__ import annotations

import builtins
import io
import json
import logging
import logging.handlers
import socket
import sqlite3
import sys
import tempfile
import threading
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import stats
from sklearn.linear_model import LinearRegression

from jupyter_mlops import values
from jupyter_mlops.errors import MlopsError
from jupyter_mlops.fingerprints import fingerprint
from jupyter_mlops.values import Observation

FIXTURE = [HealthCheck.function_scoped_fixture]


def notebook(source: str = "") -> dict[str, Any]:
    """Return the namespace of a notebook after a cell."""
    namespace: dict[str, Any] = {"__name__": "__main__", "__builtins__": builtins}
    exec(source, namespace)
    return namespace


def carry(folder: Path, namespace: dict[str, Any], *names: str) -> dict[str, Any]:
    """Return a fresh namespace with the named values."""
    values.dump(namespace, names, folder)
    received = notebook()
    assert values.load(folder, received) == names
    return received


@given(
    arrays.arrays(
        st.sampled_from(["f8", "i4", "?", "M8[s]", "U3", "c16"]), arrays.array_shapes(max_side=5)
    )
)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_arrays_of_any_layout_come_back(tmp_path: Path, array: Any) -> None:
    namespace = {"c": array, "f": np.asfortranarray(array), "t": array.T, "every": array[::2]}
    prints = values.dump(namespace, list(namespace), tmp_path / "v")
    received: dict[str, Any] = {}
    values.load(tmp_path / "v", received)
    for name, value in namespace.items():
        np.testing.assert_array_equal(received[name], value)
        assert received[name].flags.writeable
        assert prints[name] == fingerprint(received[name])


def test_aliases_and_views_stay_what_they_are(tmp_path: Path) -> None:
    array = np.arange(100.0)
    shared = [1]
    namespace = {"a": array, "same": array, "part": array[10:20], "of": [shared], "x": shared}
    received = carry(tmp_path / "v", namespace, *namespace)
    assert received["same"] is received["a"]
    assert received["of"][0] is received["x"]
    received["a"][11] = -1
    assert received["part"][1] == -1
    again: dict[str, Any] = {}
    values.load(tmp_path / "v", again, ["a"])
    assert again["a"][11] == 11, "a change must not reach the file"


def test_views_share_memory_wherever_they_hang(tmp_path: Path) -> None:
    array = np.arange(24.0).reshape(4, 6)
    words = np.array(["a", None, 3, "b"], dtype=object)
    namespace: dict[str, Any] = {
        "array": array,
        "turned": array.T,
        "backwards": array[::-1, ::-1],
        "held": {"every": array[::2], "frozen": array[0, 1:3]},
        "column": array[:, 2],
        "bytes": array.reshape(-1).view(np.uint8),
        "words": words,
        "last": words[:1:-1],
        "apart": np.arange(24.0),
    }
    namespace["held"]["frozen"].flags.writeable = False
    received = carry(tmp_path / "v", namespace, *namespace)
    for each in (namespace, received):
        each["column"][0] = -1
        each["turned"][0, 0] = -2
        each["held"]["every"][1, 1] = -3
        each["backwards"][0, 0] = -4
        each["bytes"][-16:-8] = 0
        each["last"][1] = "new"
    np.testing.assert_array_equal(received["array"], array)
    np.testing.assert_array_equal(received["held"]["frozen"], array[0, 1:3])
    assert list(received["words"]) == list(words)
    assert not received["held"]["frozen"].flags.writeable
    assert not np.shares_memory(received["apart"], received["array"])


def test_only_what_arrays_show_is_written(tmp_path: Path) -> None:
    array = np.arange(1_000_000.0)
    values.dump({"part": array[:10], "other": array[5:15]}, ["part", "other"], tmp_path / "v")
    assert (tmp_path / "v" / values.BUFFERS).stat().st_size < 1000


def test_an_array_and_the_frame_it_was_taken_from_share_memory(tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": [1.0, 2.0]})
    namespace: dict[str, Any] = {"frame": frame, "array": frame["x"].values}
    received = carry(tmp_path / "v", namespace, *namespace)
    for each in (namespace, received):
        each["frame"].loc[0, "x"] = 9.0
    assert list(received["array"]) == list(namespace["array"])


def test_frames_stay_independent_of_one_another(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "x": [1.0, 2.0],
            "t": pd.to_datetime(["2020", "2021"]),
            "c": pd.Categorical(["a", "b"]),
            "n": pd.array([1, 2], dtype="Int64"),
            "s": ["a", "b"],
        }
    )
    namespace = {
        "frame": frame,
        "renamed": frame.rename(columns={"x": "y"}),
        "times": frame["t"],
        "indexed": frame.set_index("t"),
        "array": frame["x"].to_numpy(),
    }
    received = carry(tmp_path / "v", namespace, *namespace)
    before = {name: fingerprint(received[name]) for name in namespace}
    changed = received["frame"]
    changed.loc[0, "x"] = 9.0
    changed.loc[0, "t"] = pd.Timestamp("1999")
    changed.loc[0, "c"] = "b"
    changed.loc[0, "n"] = 9
    changed.loc[0, "s"] = "z"
    assert fingerprint(changed) != before.pop("frame")
    for name, expected in before.items():
        assert fingerprint(received[name]) == expected, name


def test_functions_read_the_receiving_namespace(tmp_path: Path) -> None:
    source = notebook(
        "import math\n"
        "k = 1\n"
        "def f(x): return g(x) + k\n"
        "def g(x): return math.floor(x)\n"
        "make = lambda n: lambda x: x + n + k\n"
        "h = make(10)"
    )
    received = carry(tmp_path / "v", source, "f", "g", "k", "h", "math")
    assert received["f"].__globals__ is received
    assert received["f"](2.5) == 3
    received["k"] = 100
    assert received["f"](2.5) == 102
    assert received["h"](1) == 111
    assert received["__builtins__"] is builtins


CLASSES = """
import abc, dataclasses, enum, collections, typing
class Base(abc.ABC):
    made = 0
    @abc.abstractmethod
    def go(self): ...
class Child(Base):
    def __init__(self): Base.made += 1; self.k = helper()
    def go(self): return super().go(), self.k
    @property
    def twice(self): return self.k * 2
class Colour(enum.Enum):
    RED = 1
class Row(typing.NamedTuple):
    a: int
    b: str = "x"
    def both(self): return f"{self.a}{self.b}"
@dataclasses.dataclass
class Point:
    x: int = 1
Pair = collections.namedtuple("Pair", "a b")
def helper(): return 5
"""
OBJECTS = "child, red, point, pair, row = Child(), Colour.RED, Point(2), Pair(1, 2), Row(3)"
NAMES = ("child", "red", "point", "pair", "row")


def test_classes_of_the_notebook_stay_one_class(tmp_path: Path) -> None:
    values.dump(notebook(CLASSES + OBJECTS), NAMES, tmp_path / "v")
    received = notebook(CLASSES)
    values.load(tmp_path / "v", received)
    assert type(received["child"]) is received["Child"]
    assert received["red"] is received["Colour"].RED
    assert type(received["point"]) is received["Point"]
    assert type(received["pair"]) is received["Pair"]
    assert received["child"].go() == (None, 5)
    assert received["child"].twice == 10
    assert received["Base"].made == 1, "what hangs on the class travels"


def test_classes_that_nobody_defines_travel_along(tmp_path: Path) -> None:
    source = notebook(CLASSES + OBJECTS)
    values.dump(source, ("child", "helper"), tmp_path / "one")
    values.dump(source, NAMES, tmp_path / "two")
    received = notebook()
    values.load(tmp_path / "one", received)
    first = type(received["child"])
    values.load(tmp_path / "two", received)
    assert type(received["child"]) is first, "two folders, one class"
    assert received["child"].go() == (None, 5)
    assert (received["row"].both(), received["row"]._replace(b="y")) == ("3x", (3, "y"))
    onward = carry(tmp_path / "three", received, "child")
    assert type(onward["child"]).__name__ == "Child"


ENUMS = """
import enum
class Perm(enum.Flag):
    R = 1
    W = 2
    ALL = R | W
class Kind(enum.Enum):
    ONE = "a"
    FIRST = "a"
class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2
    @property
    def next(self): return Level(self + 1)
class Planet(enum.Enum):
    EARTH = (5.9, 6.3)
    MARS = (0.6, 3.3)
    def __init__(self, mass, radius): self.mass, self._radius = mass, radius
    def size(self): return self._radius
"""


@pytest.mark.parametrize("defined", ["", ENUMS])
def test_enums_keep_all_their_names(tmp_path: Path, defined: str) -> None:
    source = notebook(
        f"{ENUMS}both, first, low, mars = Perm.R | Perm.W, Kind.FIRST, Level.LOW, Planet.MARS"
    )
    names = ("both", "first", "low", "mars", "Perm", "Kind", "Level", "Planet")
    values.dump(source, names, tmp_path / "v")
    received = notebook(defined)
    values.load(tmp_path / "v", received)
    assert received["both"] is received["Perm"].ALL
    assert received["first"] is received["Kind"].ONE is received["Kind"].FIRST
    assert received["low"].next is received["Level"].HIGH
    assert [*received["Kind"].__members__] == ["ONE", "FIRST"]
    assert (received["mars"].mass, received["mars"].size()) == (0.6, 3.3)
    assert received["mars"] is received["Planet"]((0.6, 3.3))


def test_a_class_that_was_defined_anew_is_another(tmp_path: Path) -> None:
    source = notebook("class A:\n    def go(self): return 'old'\na = A()")
    values.dump(source, ("a",), tmp_path / "v")
    received = notebook("class A:\n    def go(self): return 'new'")
    values.load(tmp_path / "v", received)
    assert received["a"].go() == "old"
    assert received["A"]().go() == "new"


def test_cached_properties_travel_and_keep_their_cache(tmp_path: Path) -> None:
    source = (
        "import functools\n"
        "class Box:\n"
        "    def __init__(self, n): self.n = n\n"
        "    @functools.cached_property\n"
        "    def double(self): return 2 * self.n\n"
        "old, new = Box(1), Box(2)\n"
        "old.double, old.n = old.double, 50"
    )
    received = carry(tmp_path / "v", notebook(source), "old", "new")
    assert (received["old"].double, received["new"].double) == (2, 4)
    assert vars(received["new"]) == {"n": 2, "double": 4}


def test_functions_made_by_one_call_share_their_variables(tmp_path: Path) -> None:
    source = (
        "def make():\n"
        "    n = 0\n"
        "    def add():\n"
        "        nonlocal n\n"
        "        n += 1\n"
        "        return n\n"
        "    def show(): return n\n"
        "    def down(k): return k and down(k - 1)\n"
        "    def unbound(): return late\n"
        "    if n: late = 1\n"
        "    return add, show, down, unbound\n"
        "add, show, down, unbound = make()\n"
        "other, _, _, _ = make()\n"
        "add()"
    )
    received = carry(tmp_path / "v", notebook(source), "add", "show", "down", "unbound", "other")
    assert (received["add"](), received["show"](), received["other"]()) == (2, 2, 1)
    assert received["down"](3) == 0
    down = received["down"]
    assert down.__closure__[0].cell_contents is down
    with pytest.raises(NameError):
        received["unbound"]()


def test_cached_functions_travel_wherever_they_are(tmp_path: Path) -> None:
    source = (
        "import functools\n"
        "def traced(f):\n"
        "    @functools.wraps(f)\n"
        "    def inner(*given): return f(*given)\n"
        "    return inner\n"
        "@functools.lru_cache(maxsize=7)\n"
        "def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)\n"
        "@traced\n"
        "@functools.cache\n"
        "def twice(n): return 2 * n\n"
        "bare = functools.cache(functools.partial(max, 1))\n"
        "fib(5), twice(3), bare(4)"
    )
    received = carry(tmp_path / "v", notebook(source), "fib", "twice", "bare")
    assert (received["fib"](6), received["twice"](3), received["bare"](4)) == (8, 6, 4)
    assert received["fib"].cache_parameters() == {"maxsize": 7, "typed": False}
    assert received["fib"].cache_info().currsize == 7, "it calls itself through its cache"
    assert (received["fib"].__name__, received["twice"].__name__) == ("fib", "twice")


def test_files_in_memory_keep_their_place(tmp_path: Path) -> None:
    text = io.StringIO("one two")
    text.read(4)
    assert vars(text) == {}, "looking for it gives it one"
    received = carry(tmp_path / "v", {"text": text, "alias": text}, "text", "alias")
    assert fingerprint(received["text"]) == fingerprint(text)
    assert received["text"].read() == "two"
    assert received["alias"] is received["text"]
    assert fingerprint(received["text"]) != fingerprint(text)


@pytest.fixture
def logger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[logging.Logger]:
    monkeypatch.chdir(tmp_path)
    found = logging.getLogger("notebook.training")
    yield found
    forget(found)


def forget(logger: logging.Logger) -> None:
    """Make a logger what it is in a new process."""
    for handler in [*logger.handlers]:
        logger.removeHandler(handler)
        handler.close()
    logger.setLevel(logging.NOTSET)
    logger.propagate = True


def test_loggers_keep_what_was_set_on_them(tmp_path: Path, logger: logging.Logger) -> None:
    memory = io.StringIO()
    for handler in (logging.StreamHandler(memory), logging.FileHandler("train.log", mode="w")):
        handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
        logger.addHandler(handler)
    logger.handlers[1].setLevel("INFO")
    logger.setLevel("DEBUG")
    logger.propagate = False
    logger.debug("one")
    logger.info("two")
    values.dump({"log": logger, "memory": memory}, ["log", "memory"], tmp_path / "v")
    forget(logger)
    received: dict[str, Any] = {}
    values.load(tmp_path / "v", received)
    values.load(tmp_path / "v", received)
    assert received["log"] is logger
    received["log"].debug("three")
    received["log"].info("four")
    assert (logger.level, logger.propagate) == (logging.DEBUG, False)
    lines = received["memory"].getvalue().splitlines()
    assert lines == ["DEBUG one", "INFO two", "DEBUG three", "INFO four"]
    assert (tmp_path / "train.log").read_text().splitlines() == ["INFO two", "INFO four"]


def test_a_handler_that_is_there_already_stays_the_same(
    tmp_path: Path, logger: logging.Logger
) -> None:
    logger.addHandler(logging.StreamHandler(sys.stdout))
    logger.addHandler(logging.handlers.MemoryHandler(10))
    first, other = logger.handlers
    first.setLevel("ERROR")
    values.dump({"log": logger}, ["log"], tmp_path / "v")
    first.setLevel("INFO")
    values.load(tmp_path / "v", {})
    assert set(logger.handlers) == {first, other}
    assert first.level == logging.ERROR


def test_views_of_dicts_show_the_dict_that_came_along(tmp_path: Path) -> None:
    namespace = notebook("t = {'a': 1}\nk, v, i = t.keys(), t.values(), t.items()")
    received = carry(tmp_path / "v", namespace, "k", "v", "i", "t")
    received["t"]["b"] = 2
    assert list(received["k"]) == ["a", "b"]
    assert list(received["v"]) == [1, 2]
    assert list(received["i"]) == [("a", 1), ("b", 2)]


@pytest.fixture
def handles(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """Things that must not travel, by what the error calls them."""
    path = tmp_path / "file.txt"
    path.write_text("text")
    connection = sqlite3.connect(":memory:")
    lock = threading.Lock()
    with (
        path.open() as text,
        path.open("rb") as binary,
        socket.socket() as sock,
        tempfile.NamedTemporaryFile() as temporary,
    ):
        yield {
            "it is an open file": text,
            "it holds an open file": {"deep": [binary]},
            "it holds an open file.": types.SimpleNamespace(log=temporary),
            "it is a socket": sock,
            "it is a generator": (n for n in "ab"),
            "it is a database connection": connection,
            "it holds a database connection": (1, {"db": connection}),
            "it is a lock": lock,
            "it holds a lock": (lambda held: lambda: held)(lock),
            "it is a thread": threading.Thread(),
        }
    connection.close()


def test_handles_are_refused_by_name(tmp_path: Path, handles: dict[str, Any]) -> None:
    for words, value in handles.items():
        with pytest.raises(MlopsError) as caught:
            values.dump({"fine": 1, "bad": value}, ("fine", "bad"), tmp_path / "v")
        assert caught.value.code == "values.unserialisable"
        assert "`bad`" in caught.value.message
        assert words.rstrip(".") in caught.value.message
        assert type(value).__name__ in caught.value.message
    assert [each.name for each in tmp_path.iterdir()] == ["file.txt"], "no half state"


def test_a_failed_dump_leaves_the_former_folder(tmp_path: Path) -> None:
    values.dump({"a": 1}, ["a"], tmp_path / "v")
    with pytest.raises(MlopsError):
        values.dump({"a": threading.Lock()}, ["a"], tmp_path / "v")
    received: dict[str, Any] = {}
    values.load(tmp_path / "v", received)
    assert received == {"a": 1}
    values.dump({"b": 2}, ["b"], tmp_path / "v")
    assert [each.name for each in tmp_path.iterdir()] == ["v"]


def test_the_shared_generator_stays_the_shared_one(tmp_path: Path) -> None:
    drawn = stats.loguniform(1, 10)
    np.random.seed(3)
    received = carry(tmp_path / "v", {"drawn": drawn}, "drawn")
    before = fingerprint(received["drawn"])
    expected = drawn.rvs(size=3)
    np.random.seed(3)
    assert (received["drawn"].rvs(size=3) == expected).all()
    assert fingerprint(received["drawn"]) == before == fingerprint(drawn)


def test_standard_streams_and_modules_travel_by_name(tmp_path: Path) -> None:
    received = carry(tmp_path / "v", {"out": sys.stderr, "np": np, "p": print}, "out", "np", "p")
    assert received["out"] is sys.stderr
    assert received["np"] is np


@pytest.mark.parametrize("file", [values.PICKLE, values.BUFFERS, values.INDEX])
@pytest.mark.parametrize("harm", ["cut", "flip", "gone"])
def test_damage_is_found(tmp_path: Path, file: str, harm: str) -> None:
    folder = tmp_path / "v"
    values.dump({"a": np.arange(1000), "b": "text"}, ["a", "b"], folder)
    path = folder / file
    content = bytearray(path.read_bytes())
    if harm == "cut":
        path.write_bytes(content[:-5])
    elif harm == "flip":
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    else:
        path.unlink()
    received: dict[str, Any] = {}
    if (file, harm) == (values.INDEX, "flip"):
        return  # one changed letter may leave an index that says the same
    with pytest.raises(MlopsError) as caught:
        values.load(folder, received)
    wanted = "values.missing" if (file, harm) == (values.INDEX, "gone") else "values.corrupt"
    assert caught.value.code == wanted
    assert not received


def test_another_python_is_refused(tmp_path: Path) -> None:
    values.dump({"a": 1}, ["a"], tmp_path / "v")
    index = tmp_path / "v" / values.INDEX
    index.write_text(json.dumps({**json.loads(index.read_text()), "python": "3.9"}))
    with pytest.raises(MlopsError, match=r"by Python 3\.9") as caught:
        values.load(tmp_path / "v", {})
    assert caught.value.code == "values.python"


def test_missing_names_are_told(tmp_path: Path) -> None:
    with pytest.raises(MlopsError, match="`b`"):
        values.dump({"a": 1}, ["a", "b"], tmp_path / "v")
    values.dump({"a": 1, "c": 2}, ["a", "c"], tmp_path / "v")
    with pytest.raises(MlopsError, match="`b`"):
        values.load(tmp_path / "v", {}, ["b"])
    received: dict[str, Any] = {}
    assert values.load(tmp_path / "v", received, ["c"]) == ("c",)
    assert received == {"c": 2}
    assert carry(tmp_path / "empty", {}) is not None


def test_modules_are_those_that_loading_imports(tmp_path: Path) -> None:
    model = LinearRegression().fit([[1.0], [2.0]], [1, 2])
    source = notebook("import statistics\ndef f(): return statistics")
    source |= {"model": model, "frame": pd.DataFrame({"a": [1]}), "json": json}
    values.dump(source, ["model", "frame", "f", "json"], tmp_path / "v")
    found = values.modules(tmp_path / "v")
    assert {"sklearn", "pandas", "numpy", "json"} <= found
    assert not found & {"__main__", "builtins", "jupyter_mlops", "scipy"}


def test_a_full_disk_is_told_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resource = pytest.importorskip("resource")
    import signal

    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(MlopsError) as caught:
            values.dump({"a": np.zeros(1_000_000)}, ["a"], tmp_path / "v")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, old)
    assert caught.value.code == "project.disk-full"
    assert not list(tmp_path.iterdir())


def test_an_observation_keeps_names_expressions_and_the_result(tmp_path: Path) -> None:
    observation = Observation(
        cell="c1",
        folder=str(tmp_path / "seen"),
        names=("a", "never"),
        expressions={"example": "a[:2]", "wrong": "1 / 0"},
        result="predictions",
    )
    assert Observation.from_dict(json.loads(json.dumps(observation.to_dict()))) == observation
    prints = values.observe(observation, notebook("a = [1, 2, 3]"), [7])
    assert set(prints) == {"a", "example", "predictions"}
    received: dict[str, Any] = {}
    values.load(tmp_path / "seen", received)
    assert received == {"a": [1, 2, 3], "example": [1, 2], "predictions": [7]}
    missing = values.read_index(tmp_path / "seen")["missing"]
    assert missing == {"never": "not assigned", "wrong": "ZeroDivisionError: division by zero"}


def test_an_observation_of_numbers_passes_over_the_rest(tmp_path: Path) -> None:
    observation = Observation("c", str(tmp_path / "m"), ("rmse", "n", "flag", "lock"), numbers=True)
    source = {"rmse": np.float32(0.5), "n": 3, "flag": True, "lock": threading.Lock()}
    assert set(values.observe(observation, source, None)) == {"rmse", "n"}
