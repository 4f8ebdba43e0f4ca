"""Where code reads what is new in each run: the clock, the process, the machine."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from ..notebook.meanings import CONVENTIONAL, dotted, meanings
from ..notebook.randomness import Draw


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_CLOCK = _words(
    """
    time.time time.time_ns time.perf_counter time.perf_counter_ns time.monotonic
    time.monotonic_ns time.process_time time.process_time_ns time.thread_time time.ctime
    time.localtime time.gmtime time.strftime timeit.default_timer timeit.timeit
    datetime.datetime.now datetime.datetime.utcnow datetime.datetime.today datetime.date.today
    pandas.Timestamp.now pandas.Timestamp.today pandas.Timestamp.utcnow
    """
)
_PROCESS_STATE = _words(
    """
    gc.collect gc.get_count os.getpid os.getppid os.times resource.getrusage sys.getrefcount
    threading.active_count threading.get_ident threading.get_native_id
    tracemalloc.get_traced_memory
    """
)
_PROCESS = (
    _words(
        """
    tempfile.mkdtemp tempfile.mkstemp tempfile.mktemp tempfile.NamedTemporaryFile
    tempfile.TemporaryDirectory
    """
    )
    | _PROCESS_STATE
)
DURATIONS = _words(
    """
    fit_time score_time mean_fit_time std_fit_time mean_score_time std_score_time refit_time_
    """
)
"""Keys and attributes under which scikit-learn's searches and cross-validation keep times."""

_NAMES: Mapping[str, str] = {
    **CONVENTIONAL,
    "time": "time",
    "pd": "pandas",
    "pandas": "pandas",
    "datetime": "datetime.datetime",
    "dt": "datetime",
    "date": "datetime.date",
    "timeit": "timeit",
    "tempfile": "tempfile",
    "threading": "threading",
    "gc": "gc",
}


def clock_names(names: Mapping[str, str]) -> Mapping[str, str]:
    """Return what names stand for, with the usual meanings where ``names`` does not tell."""
    return {**_NAMES, **names}


def is_clock(call: ast.Call, names: Mapping[str, str]) -> bool:
    """Tell whether a call gives a number of the clock, or one that tells of the process.

    ``names`` are as from `clock_names`.
    """
    return dotted(call.func, names) in _CLOCK | _PROCESS_STATE


def is_duration(node: ast.AST) -> bool:
    """Tell whether an expression takes a time out of scikit-learn's results, by its name."""
    match node:
        case ast.Subscript(slice=ast.Constant(value=name)) | ast.Attribute(attr=name):
            return name in DURATIONS
    return False


def clock_reads(tree: ast.AST, names: Mapping[str, str] | None = None) -> tuple[Draw, ...]:
    """Return the calls that read the clock or what the system makes up, in order of lines.

    ``names`` are as for `jupyter_mlops.notebook.randomness.draws`.
    """
    known = clock_names({**(names or {}), **meanings(tree)})
    found: list[Draw] = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        path, name = dotted(node.func, known), ast.unparse(node.func)
        if path in _CLOCK:
            found.append(Draw(name, node.lineno, "reads the clock", ""))
        elif path in _PROCESS:
            found.append(Draw(name, node.lineno, "gives another value in each process", ""))
    return tuple(sorted(found, key=lambda draw: draw.line))
