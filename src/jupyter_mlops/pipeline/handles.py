"""Expressions whose value cannot leave its process, as far as imports and definitions tell.

What is listed here is refused by `jupyter_mlops.values` whenever it is tried. A name counts only
where nothing but imports, or one single definition, binds it in the whole notebook.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable

FILE = "an open file"
LOCK = "a lock"
GENERATOR = "a generator"
POOL = "a pool of workers"
DATABASE = "a database connection"
ENGINE = "a database engine"
CURSOR = "a database cursor"
QUEUE = "a queue of this process"
HASH = "a digest that is not finished"
HANDLER = "a handler of log messages"
SHARED = "memory that processes share"
FIGURE = "a figure in use"

CALLS: dict[str, str] = {
    **dict.fromkeys(("open", "io.open", "codecs.open", "os.popen", "os.fdopen"), FILE),
    **dict.fromkeys(("gzip.open", "gzip.GzipFile", "bz2.open", "bz2.BZ2File"), FILE),
    **dict.fromkeys(("lzma.open", "lzma.LZMAFile", "tarfile.open", "zipfile.ZipFile"), FILE),
    **dict.fromkeys(("tempfile.TemporaryFile", "tempfile.NamedTemporaryFile"), FILE),
    "tempfile.SpooledTemporaryFile": FILE,
    "tempfile.TemporaryDirectory": "a folder that ends with its process",
    "shelve.open": "an open database",
    "mmap.mmap": "a memory map",
    "memoryview": "a view of memory",
    "os.scandir": "an open folder",
    "csv.reader": "a reader of a file",
    "csv.DictReader": "a reader of a file",
    "csv.writer": "a writer to a file",
    "csv.DictWriter": "a writer to a file",
    "sqlite3.connect": DATABASE,
    "sqlite3.Connection": DATABASE,
    "sqlalchemy.create_engine": ENGINE,
    "sqlalchemy.engine.create_engine": ENGINE,
    "socket.socket": "a socket",
    "subprocess.Popen": "a running process",
    "multiprocessing.Process": "a process",
    **dict.fromkeys(("threading.Thread", "threading.Timer"), "a thread"),
    **dict.fromkeys(("threading.Lock", "threading.RLock", "threading.Condition"), LOCK),
    **dict.fromkeys(("threading.Event", "threading.Semaphore", "threading.Barrier"), LOCK),
    "threading.BoundedSemaphore": LOCK,
    "threading.local": "what belongs to one thread",
    **dict.fromkeys(("multiprocessing.Lock", "multiprocessing.RLock"), LOCK),
    **dict.fromkeys(("multiprocessing.Event", "multiprocessing.Condition"), LOCK),
    **dict.fromkeys(("multiprocessing.Semaphore", "multiprocessing.Barrier"), LOCK),
    **dict.fromkeys(("multiprocessing.Value", "multiprocessing.Array"), SHARED),
    "multiprocessing.shared_memory.SharedMemory": SHARED,
    **dict.fromkeys(("multiprocessing.Queue", "multiprocessing.SimpleQueue"), QUEUE),
    "multiprocessing.JoinableQueue": QUEUE,
    **dict.fromkeys(("queue.Queue", "queue.LifoQueue", "queue.PriorityQueue"), QUEUE),
    "queue.SimpleQueue": QUEUE,
    "multiprocessing.Manager": "a process",
    **dict.fromkeys(("multiprocessing.Pool", "multiprocessing.pool.ThreadPool"), POOL),
    "concurrent.futures.ThreadPoolExecutor": POOL,
    "concurrent.futures.ProcessPoolExecutor": POOL,
    "concurrent.futures.Future": "a result that is waited for",
    "asyncio.create_task": "a task",
    "asyncio.ensure_future": "a task",
    "asyncio.new_event_loop": "an event loop",
    **dict.fromkeys(("os.walk", "glob.iglob"), GENERATOR),
    "re.finditer": "an iterator of matches",
    **dict.fromkeys(("hashlib.md5", "hashlib.sha1", "hashlib.sha256", "hashlib.sha512"), HASH),
    **dict.fromkeys(("hashlib.new", "hashlib.blake2b"), HASH),
    **dict.fromkeys(("logging.StreamHandler", "logging.FileHandler"), HANDLER),
    "ssl.create_default_context": "a context of encryption",
    "weakref.ref": "a weak reference",
    "numpy.nditer": "an iterator of an array",
    "numpy.ndenumerate": "an iterator of an array",
    **dict.fromkeys(("matplotlib.pyplot.figure", "matplotlib.pyplot.subplot"), FIGURE),
    **dict.fromkeys(("matplotlib.pyplot.gcf", "matplotlib.pyplot.gca"), FIGURE),
    "tqdm.tqdm": "a progress bar",
    "tqdm.auto.tqdm": "a progress bar",
    "tqdm.notebook.tqdm": "a progress bar",
}
"""What is called, by its full name, and what the call gives."""

METHODS: dict[tuple[str, str], str] = {
    ("pathlib.Path", "open"): FILE,
    ("pathlib.Path", "glob"): GENERATOR,
    ("pathlib.Path", "rglob"): GENERATOR,
    ("pathlib.Path", "iterdir"): GENERATOR,
    ("sqlite3.connect", "cursor"): CURSOR,
    ("sqlite3.connect", "execute"): CURSOR,
    ("sqlalchemy.create_engine", "connect"): DATABASE,
    ("sqlalchemy.create_engine", "begin"): "a database transaction",
    ("sqlalchemy.create_engine", "raw_connection"): DATABASE,
}
"""What a method gives that is called on the result of a call."""

_CHUNKS = frozenset({"pandas.read_csv", "pandas.read_table", "pandas.read_fwf"})
_ENTERED = frozenset({FILE, POOL, DATABASE, "a running process", "a socket"})
"""What a ``with`` statement binds as it is."""


class Handles:
    """Tells of expressions of a notebook whether their value cannot travel."""

    def __init__(self, trees: Iterable[ast.Module]) -> None:
        self._meaning: dict[str, str] = {}
        self._functions: dict[str, ast.FunctionDef | ast.AsyncFunctionDef] = {}
        self._values: dict[str, ast.expr] = {}
        self._unclear: set[str] = set()
        self.shared: set[str] = set()
        """Names that functions bind too, by ``global``."""
        self._starred = False
        for tree in trees:
            for node in ast.walk(tree):
                self._note(node)
            for statement in tree.body:
                if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
                    self._functions[statement.name] = statement
                if isinstance(statement, ast.Assign):
                    for target in statement.targets:
                        if isinstance(target, ast.Name):
                            self._values[target.id] = statement.value

    def of(self, node: ast.expr) -> str:
        """Say why the value of an expression cannot travel; nothing where it may."""
        what = self._what(node)
        if what:
            return f"it is {what}"
        parts: list[ast.expr | None] = []
        match node:
            case ast.List(elts=elements) | ast.Tuple(elts=elements) | ast.Set(elts=elements):
                parts = [*elements]
            case ast.Dict(values=values):
                parts = [*values]
        held = next(
            (found for each in parts if each is not None and (found := self._what(each))), ""
        )
        return f"it holds {held}" if held else ""

    def entered(self, node: ast.expr) -> str:
        """Say why what a ``with`` statement binds cannot travel; nothing where it may."""
        what = self._what(node)
        return f"it is {what}" if what in _ENTERED else ""

    def _what(self, node: ast.expr) -> str:
        match node:
            case ast.GeneratorExp():
                return GENERATOR
            case ast.Call(func=ast.Name(id=name)) if name in self._functions:
                return self._given_by(name)
            case ast.Call(func=function):
                called = self._full_name(function)
                if called in _CHUNKS and _in_chunks(node):
                    return "a reader of a file"
                if called in CALLS:
                    return CALLS[called]
                if isinstance(function, ast.Attribute):
                    return METHODS.get((self._maker(function.value), function.attr), "")
        return ""

    def _given_by(self, name: str) -> str:
        function = self._functions[name]
        if name in self._unclear or function.decorator_list:
            return ""
        is_async = isinstance(function, ast.AsyncFunctionDef)
        if any(isinstance(node, ast.Yield | ast.YieldFrom) for node in _own(function)):
            return "an asynchronous generator" if is_async else GENERATOR
        return "a coroutine" if is_async else ""

    def _maker(self, node: ast.expr) -> str:
        """Return the full name of the call that made the receiver of a method."""
        if isinstance(node, ast.Name) and node.id not in self._unclear:
            node = self._values.get(node.id, node)
        return self._full_name(node.func) if isinstance(node, ast.Call) else ""

    def _full_name(self, node: ast.expr) -> str:
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name) or node.id in self._unclear:
            return ""
        if node.id in self._meaning:
            return ".".join([self._meaning[node.id], *reversed(parts)])
        return node.id if not parts and not self._starred else ""

    def _note(self, node: ast.AST) -> None:
        """Note what names stand for, and those that stand for more than one thing."""
        match node:
            case ast.Import(names=aliases):
                for alias in aliases:
                    root = alias.name.partition(".")[0]
                    self._mean(alias.asname or root, alias.name if alias.asname else root)
            case ast.ImportFrom(module=module, level=level, names=aliases):
                for alias in aliases:
                    self._starred |= alias.name == "*"
                    name = alias.asname or alias.name
                    self._mean(name, "" if level else f"{module}.{alias.name}")
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                self._mean(name, f"<notebook>.{name}")
            case ast.ClassDef(name=name) | ast.ExceptHandler(name=str(name)):
                self._mean(name, "")
            case ast.arg(arg=name) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                self._mean(name, "")
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                self._mean(name, f"<variable>.{name}")
            case ast.Global(names=names):
                self.shared.update(names)

    def _mean(self, name: str, meaning: str) -> None:
        again = name in self._meaning and meaning.startswith("<")
        if not meaning or again or self._meaning.setdefault(name, meaning) != meaning:
            self._unclear.add(name)


def _in_chunks(call: ast.Call) -> bool:
    given = {each.arg: each.value for each in call.keywords}
    size, lazy = given.get("chunksize"), given.get("iterator")
    return (isinstance(size, ast.Constant) and isinstance(size.value, int)) or (
        isinstance(lazy, ast.Constant) and lazy.value is True
    )


def _own(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterable[ast.AST]:
    """Yield the nodes of a function's own code, without those of functions inside it."""
    pending: list[ast.AST] = [*function.body]
    while pending:
        node = pending.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            pending += ast.iter_child_nodes(node)
