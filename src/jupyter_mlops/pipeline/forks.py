"""A warm process that forks a fresh one for each step: ``python -m jupyter_mlops.pipeline.forks``.

It imports what the steps import and then only waits. A child inherits the imported modules, and
nothing else: no library has run any code before the fork, so there are no threads that it would
miss (an OpenMP runtime that was used before a fork hangs in the child). Only libraries that are
known to start nothing at import are imported ahead.

The parent speaks lines of JSON: ``{"modules": [...]}`` first, then for each step
``{"arguments": [...], "log": path, "cwd": path}``; it answers ``{"pid": n}`` and, when a child has
ended, ``{"ended": n, "code": c}``, negative where a signal killed it.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import json
import os
import select
import signal
import sys
import warnings
from collections.abc import Iterable
from typing import Any, NoReturn

from ..notebook.document import Cell
from .model import Step

AHEAD = frozenset({"matplotlib", "numpy", "pandas", "pyarrow", "scipy", "seaborn", "sklearn"})
"""Packages that were seen to start no thread of their own at import."""


def modules_ahead(steps: Iterable[Step]) -> list[str]:
    """Return the modules of `AHEAD` that at least one step's cells import, in their order."""
    cells = [cell for step in steps for cell in (*step.prelude, *step.cells)]
    found = [name for cell in cells for name in _imports(cell)]
    return list(dict.fromkeys(name for name in found if name.partition(".")[0] in AHEAD))


def _imports(cell: Cell) -> Iterable[str]:
    # Line by line where the cell has magics: what is missed here is imported by the step itself.
    try:
        trees = [ast.parse(cell.source)]
    except (SyntaxError, ValueError):
        trees = []
        for line in cell.source.split("\n"):
            try:
                trees.append(ast.parse(line))
            except (SyntaxError, ValueError):
                continue
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module


def serve() -> NoReturn:
    """Serve until the standard input closes."""
    from . import execution, runtime

    # Before matplotlib is imported, which reads it once.
    os.environ.setdefault("MPLBACKEND", execution.INLINE)
    commands = sys.stdin.fileno()
    wake = _wake_at_child()
    children: set[int] = set()
    pending = b""
    while True:
        ready, _, _ = select.select([commands, wake], [], [])
        if wake in ready:
            os.read(wake, 4096)
            _report_ended(children)
        if commands in ready:
            received = os.read(commands, 65536)
            if not received:
                _end(children)
            *lines, pending = (pending + received).split(b"\n")
            for line in lines:
                command = json.loads(line)
                if "modules" in command:
                    _import(command["modules"])
                else:
                    children.add(pid := _fork(command, runtime))
                    _say(pid=pid)


def _end(children: Iterable[int]) -> NoReturn:
    """End at once, with what still runs; nothing here is worth the time that Python takes."""
    for child in children:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
    os._exit(0)


def _import(modules: list[str]) -> None:
    for name in modules:
        try:
            importlib.import_module(name)
        except Exception:
            continue  # the step fails by the same error, at its own cell


def _fork(command: dict[str, Any], runtime: Any) -> int:
    with warnings.catch_warnings(action="ignore"):  # threads that only wait do no harm
        pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.set_wakeup_fd(-1)
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDONLY)
        log = os.open(command["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        for source, target in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(source, target)
        os.chdir(command["cwd"])
        if numpy := sys.modules.get("numpy"):
            # Otherwise all steps would draw the same "random" numbers.
            numpy.random.seed()
        code = runtime.main(command["arguments"])
    except SystemExit as exit_:
        code = exit_.code if isinstance(exit_.code, int) else 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        _leave(code)
    return 0


def _leave(code: int) -> None:
    """End the child as a process of its own would: exit handlers run, buffers are written."""
    import atexit
    import threading

    try:
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _wake_at_child() -> int:
    """Return a descriptor that can be read once a child has ended."""
    wake, tell = os.pipe()
    os.set_blocking(tell, False)
    signal.set_wakeup_fd(tell)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return wake


def _report_ended(children: set[int]) -> None:
    for child in sorted(children):
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            children.discard(pid)
            _say(ended=pid, code=os.waitstatus_to_exitcode(status))


def _say(**content: int) -> None:
    sys.stdout.write(json.dumps(content) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    serve()
