"""What the compiler says cannot travel does not: each entry is made for real, and refused."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import inspect
import multiprocessing.pool
import subprocess
import sys
import textwrap
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops import values
from jupyter_mlops.errors import MlopsError
from jupyter_mlops.pipeline.handles import CALLS, METHODS, Handles

ARGUMENTS = {
    "open": "'file', 'w'",
    "io.open": "'file', 'w'",
    "codecs.open": "'file', 'w'",
    "os.popen": "'true'",
    "os.fdopen": "os.dup(0)",
    "gzip.open": "'file', 'w'",
    "gzip.GzipFile": "'file', 'w'",
    "bz2.open": "'file', 'w'",
    "bz2.BZ2File": "'file', 'w'",
    "lzma.open": "'file', 'w'",
    "lzma.LZMAFile": "'file', 'w'",
    "tarfile.open": "'file', 'w'",
    "zipfile.ZipFile": "'file', 'w'",
    "shelve.open": "'shelf'",
    "mmap.mmap": "-1, 8",
    "memoryview": "b'ab'",
    "csv.reader": "['a']",
    "csv.DictReader": "['a']",
    "csv.writer": "io.StringIO()",
    "csv.DictWriter": "io.StringIO(), ['a']",
    "sqlite3.connect": "':memory:'",
    "sqlite3.Connection": "':memory:'",
    "sqlalchemy.create_engine": "'sqlite://'",
    "sqlalchemy.engine.create_engine": "'sqlite://'",
    "subprocess.Popen": "['true']",
    "multiprocessing.Process": "target=print",
    "threading.Thread": "target=print",
    "threading.Timer": "1, print",
    "threading.Barrier": "1",
    "multiprocessing.Barrier": "1",
    "multiprocessing.Value": "'i'",
    "multiprocessing.Array": "'i', 2",
    "multiprocessing.shared_memory.SharedMemory": "create=True, size=8",
    "multiprocessing.Pool": "1",
    "multiprocessing.pool.ThreadPool": "1",
    "concurrent.futures.ThreadPoolExecutor": "1",
    "concurrent.futures.ProcessPoolExecutor": "1",
    "asyncio.create_task": "asyncio.sleep(0)",
    "asyncio.ensure_future": "asyncio.sleep(0)",
    "os.walk": "'.'",
    "glob.iglob": "'*'",
    "re.finditer": "'a', 'a'",
    "hashlib.new": "'sha1'",
    "logging.FileHandler": "'log'",
    "weakref.ref": "ast.Name",
    "numpy.nditer": "numpy.arange(2)",
    "numpy.ndenumerate": "numpy.arange(2)",
    "tqdm.tqdm": "[1], disable=True",
    "tqdm.auto.tqdm": "[1], disable=True",
    "tqdm.notebook.tqdm": "[1], disable=True",
}
"""What to call the entries with, that want something."""

METHOD_CALLS = {
    ("pathlib.Path", "open"): "pathlib.Path('file').open('w')",
    ("pathlib.Path", "glob"): "pathlib.Path('.').glob('*')",
    ("pathlib.Path", "rglob"): "pathlib.Path('.').rglob('*')",
    ("pathlib.Path", "iterdir"): "pathlib.Path('.').iterdir()",
    ("sqlite3.connect", "cursor"): "sqlite3.connect(':memory:').cursor()",
    ("sqlite3.connect", "execute"): "sqlite3.connect(':memory:').execute('select 1')",
    ("sqlalchemy.create_engine", "connect"): "sqlalchemy.create_engine('sqlite://').connect()",
    ("sqlalchemy.create_engine", "begin"): "sqlalchemy.create_engine('sqlite://').begin()",
    ("sqlalchemy.create_engine", "raw_connection"): (
        "sqlalchemy.create_engine('sqlite://').raw_connection()"
    ),
}
OTHERS = [
    "(n for n in range(3))",
    "steps()",
    "pages()",
    "later()",
    "[open('file', 'w'), 1]",
    "(1, threading.Lock())",
    "{'lock': threading.Lock()}",
    "pandas.read_csv('table.csv', chunksize=1)",
    "pandas.read_csv('table.csv', iterator=True)",
]
DEFINITIONS = """
def steps():
    yield 1

async def pages():
    yield 1

async def later():
    return 1
"""
EXPRESSIONS = [
    *(f"{name}({ARGUMENTS.get(name, '')})" for name in CALLS),
    *METHOD_CALLS.values(),
    *OTHERS,
]


@pytest.fixture(autouse=True)
def _in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("table.csv").write_text("a\n1\n2\n")


def _imports(expression: str) -> str:
    """Return import statements for the modules that an expression names."""
    found = []
    for node in ast.walk(ast.parse(expression)):
        if isinstance(node, ast.Attribute):
            names = ast.unparse(node).split("(")[0].split(".")
            for count in range(len(names) - 1, 0, -1):
                module = ".".join(names[:count])
                with contextlib.suppress(ImportError):
                    __import__(module)
                    found.append(f"import {module}")
                    break
    return "\n".join(found)


@contextlib.contextmanager
def _made(expression: str) -> Iterator[dict[str, Any]]:
    """Evaluate an expression where a loop runs, as in a kernel, and end what it began."""
    loop = asyncio.new_event_loop()
    namespace: dict[str, Any] = {"__name__": "__main__"}
    source = textwrap.dedent(f"{_imports(expression)}\n{DEFINITIONS}")
    exec(source, namespace)

    async def make() -> None:
        namespace["value"] = eval(expression, namespace)

    loop.run_until_complete(make())
    try:
        yield namespace
    finally:
        _end(namespace.pop("value"), loop)
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


_ENDS = ("terminate", "shutdown", "cleanup", "close", "unlink", "dispose")


def _end(value: Any, loop: asyncio.AbstractEventLoop) -> None:
    parts = value.values() if isinstance(value, dict) else value
    for part in parts if isinstance(value, dict | list | tuple) else [value]:
        if inspect.isawaitable(part):
            loop.run_until_complete(part)
        if isinstance(part, subprocess.Popen):
            part.wait()
        for name in _ENDS:
            with contextlib.suppress(Exception):
                getattr(part, name)()
        if isinstance(part, multiprocessing.pool.Pool):
            part.join()


@pytest.mark.parametrize("expression", EXPRESSIONS)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_what_is_said_to_be_a_handle_is_refused(expression: str, tmp_path: Path) -> None:
    tree = ast.parse(f"{_imports(expression)}\n{DEFINITIONS}\nvalue = {expression}")
    assignment = tree.body[-1]
    assert isinstance(assignment, ast.Assign)
    reason = Handles([tree]).of(assignment.value)
    assert reason
    with (
        warnings.catch_warnings(action="ignore"),
        _made(expression) as namespace,
        pytest.raises(MlopsError) as caught,
    ):
        values.dump(namespace, ["value"], tmp_path / "values")
    assert caught.value.code == "values.unserialisable"


def test_every_entry_is_tried() -> None:
    assert set(ARGUMENTS) <= set(CALLS)
    assert set(METHOD_CALLS) == set(METHODS)


TRAVEL = [
    "iter([1, 2])",
    "zip([1], [2])",
    "map(str, [1])",
    "enumerate([1])",
    "itertools.chain([1], [2])",
    "logging.getLogger('a')",
    "re.compile('a')",
    "pandas.read_csv('table.csv')",
    "pandas.read_csv('table.csv', chunksize=None)",
    "random.Random(1)",
    "pathlib.Path('file')",
    "list(n for n in range(3))",
    "lambda: open('file')",
]


@pytest.mark.parametrize("expression", TRAVEL)
def test_what_travels_is_not_said_to_be_a_handle(expression: str, tmp_path: Path) -> None:
    tree = ast.parse(f"{_imports(expression)}\nvalue = {expression}")
    assignment = tree.body[-1]
    assert isinstance(assignment, ast.Assign)
    assert Handles([tree]).of(assignment.value) == ""
    with _made(expression) as namespace:
        values.dump(namespace, ["value"], tmp_path / "values")


@pytest.mark.parametrize(
    "source",
    [
        "from mine import *\nvalue = open('file')",
        "def open(path):\n    return path\nvalue = open('file')",
        "import threading\nthreading = None\nvalue = threading.Lock()",
        "from .threading import Lock\nvalue = Lock()",
        "import threading\ndef make(threading):\n    return 1\nvalue = threading.Lock()",
        "def steps():\n    yield 1\ndef steps():\n    return 1\nvalue = steps()",
        "@decorated\ndef steps():\n    yield 1\nvalue = steps()",
        "def steps():\n    def inner():\n        yield 1\n    return inner\nvalue = steps()",
        "value = unknown.connect()",
    ],
)
def test_what_is_not_certain_is_not_said(source: str) -> None:
    tree = ast.parse(source)
    assignment = tree.body[-1]
    assert isinstance(assignment, ast.Assign)
    assert Handles([tree]).of(assignment.value) == ""


@pytest.mark.parametrize(
    "source",
    [
        "from threading import Lock as L\nvalue = L()",
        "import concurrent.futures as cf\nvalue = cf.ThreadPoolExecutor()",
        "from pathlib import Path\nfolder = Path('.')\nvalue = folder.glob('*')",
        "import sqlite3\nbase = sqlite3.connect('x')\nvalue = base.cursor()",
    ],
)
def test_names_are_followed_through_imports_and_variables(source: str) -> None:
    tree = ast.parse(source)
    assignment = tree.body[-1]
    assert isinstance(assignment, ast.Assign)
    assert Handles([tree]).of(assignment.value)


def test_the_builtins_that_are_named_are_there() -> None:
    builtins = vars(sys.modules["builtins"])
    assert {name for name in CALLS if "." not in name} <= set(builtins)
