"""What source code imports, read without running it."""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Iterator, Mapping

# A module that pandas imports when one of its methods is called.
_BY_METHOD: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("read_excel", "to_excel"), ("openpyxl",)),
    **dict.fromkeys(("read_hdf", "to_hdf"), ("tables",)),
    **dict.fromkeys(("read_html", "read_xml", "to_xml"), ("lxml",)),
    **dict.fromkeys(("read_sql", "read_sql_query", "read_sql_table", "to_sql"), ("sqlalchemy",)),
    **dict.fromkeys(("plot", "hist", "boxplot"), ("matplotlib",)),
    "style": ("jinja2", "matplotlib"),
    "to_markdown": ("tabulate",),
}
_PYTHON_CELL_MAGICS = frozenset({"capture", "prun", "time", "timeit"})


def imported_modules(source: str) -> set[str]:
    """Return the top-level modules that Python or notebook source imports.

    Imports in functions and branches count; relative ones do not. A module that a known pandas
    method imports when it is called counts where it is installed. Lines of IPython syntax are
    passed over; source that cannot be parsed gives nothing.
    """
    found: set[str] = set()
    for tree in _trees(source):
        for node in ast.walk(tree):
            match node:
                case ast.Import(names=names):
                    found.update(alias.name.partition(".")[0] for alias in names)
                case ast.ImportFrom(module=str(module), level=0):
                    found.add(module.partition(".")[0])
                case ast.Call(func=function, args=[ast.Constant(value=str(name)), *_]):
                    if getattr(function, "attr", getattr(function, "id", "")) in (
                        "import_module",
                        "__import__",
                    ):
                        found.add(name.partition(".")[0])
                case ast.Attribute(attr=method) if method in _BY_METHOD:
                    found.update(name for name in _BY_METHOD[method] if importable(name))
    return found - {""}


def _trees(source: str) -> Iterator[ast.AST]:
    try:
        yield ast.parse(source)
        return
    except (SyntaxError, ValueError):
        pass
    from IPython.core.inputtransformer2 import TransformerManager

    try:
        plain = TransformerManager().transform_cell(source)  # type: ignore[no-untyped-call]
        tree = ast.parse(plain)
    except (SyntaxError, ValueError):
        return
    yield tree
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Attribute(attr="run_cell_magic"),
                args=[ast.Constant(value=magic), _, ast.Constant(value=str(body))],
            ) if magic in _PYTHON_CELL_MAGICS:
                yield from _trees(body)


def importable(module: str) -> bool:
    """Return whether this top-level module can be imported here; it is not imported."""
    if module in sys.modules:
        return True
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False
