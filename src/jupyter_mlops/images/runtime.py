"""The part of this package that runs in containers: one module and all it imports."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

STEP = "jupyter_mlops.pipeline.runtime"
SERVING = "jupyter_mlops.serving.__main__"

_ROOT = __name__.partition(".")[0]
_SOURCES = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Runtime:
    """``files`` are relative to the folder that holds the package; ``imports`` are the top-level
    modules of others that importing them imports.
    """

    files: tuple[Path, ...]
    imports: frozenset[str]


def runtime(entry: str) -> Runtime:
    """Return the files that the module ``entry`` of this package needs, itself included.

    Imports in functions are followed too, those for type checkers are not. The package's own
    ``__init__`` names every verb lazily and is taken without what it names.
    """
    files: dict[str, Path] = {}
    foreign: set[str] = set()
    waiting = [entry]
    while waiting:
        module = waiting.pop()
        if module in files:
            continue
        path = _file(module)
        if path is None:
            continue  # a name in a module, not a module
        files[module] = path.relative_to(_SOURCES.parent)
        waiting.append(module.rpartition(".")[0] or _ROOT)
        if module == _ROOT:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        package = module if path.name == "__init__.py" else module.rpartition(".")[0]
        for name, top in _imports(tree, package):
            if name.partition(".")[0] == _ROOT:
                waiting.append(name)
            elif top:
                foreign.add(name.partition(".")[0])
    return Runtime(tuple(sorted(files.values())), frozenset(foreign - sys.stdlib_module_names))


def sources() -> Path:
    """Return the folder that `Runtime.files` are relative to."""
    return _SOURCES.parent


def _file(module: str) -> Path | None:
    path = _SOURCES.parent.joinpath(*module.split("."))
    for candidate in (path / "__init__.py", path.with_suffix(".py")):
        if candidate.is_file():
            return candidate
    return None


def _imports(tree: ast.Module, package: str) -> Iterator[tuple[str, bool]]:
    """Yield absolute names of imported modules, and whether they are imported at once."""
    waiting: list[tuple[ast.AST, bool]] = [(node, True) for node in tree.body]
    while waiting:
        node, top = waiting.pop()
        match node:
            case ast.Import(names=names):
                yield from ((alias.name, top) for alias in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                parents = package.split(".")
                base = parents[: len(parents) - level + 1] if level else []
                origin = ".".join([*base, *([module] if module else [])])
                yield origin, top
                yield from ((f"{origin}.{alias.name}", top) for alias in names)
            case ast.If(test=ast.Name(id="TYPE_CHECKING"), orelse=orelse):
                waiting.extend((child, top) for child in orelse)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                waiting.extend((child, False) for child in ast.iter_child_nodes(node))
            case _:
                waiting.extend((child, top) for child in ast.iter_child_nodes(node))
