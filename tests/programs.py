"""Notebooks written in tests, and how to run them: whole, and as the steps they compile to."""

from __future__ import annotations

import ast
import contextlib
import functools
import io
import re
import tempfile
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cloudpickle import cloudpickle as internals

from jupyter_mlops import _random_state, values
from jupyter_mlops.errors import MlopsError
from jupyter_mlops.notebook.document import Cell, Notebook
from jupyter_mlops.pipeline.compile import compile_notebook
from jupyter_mlops.pipeline.model import Pipeline, Step

Cells = list[tuple[str, str]]
Seen = Callable[[Cell, str], None]


def notebook(*cells: tuple[str, str], path: Path = Path("book.ipynb")) -> Notebook:
    """Make a notebook of (tags, source) pairs; the cells are called c1, c2 …"""
    made = [
        Cell(f"c{number}", number, "code", source, tuple(tags.split()))
        for number, (tags, source) in enumerate(cells, start=1)
    ]
    return Notebook(path, path.name, tuple(made), "python3", "python")


def run(cell: Cell, namespace: dict[str, Any]) -> None:
    """Run a cell of plain Python."""
    exec(compile(ast.parse(cell.source), f"cell {cell.position}", "exec"), namespace)


def printed(cell: Cell, namespace: dict[str, Any]) -> str:
    """Run a cell of plain Python and return what it prints."""
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        run(cell, namespace)
    return text.getvalue()


def new_namespace() -> dict[str, Any]:
    return {"__name__": "__main__"}


def run_step(
    pipeline: Pipeline, step: Step, work: Path, seen: Seen | None = None
) -> dict[str, Any]:
    """Run one step as the step runtime does: parameters, prelude, inputs, cells, outputs.

    ``seen`` is told what each of the step's own cells prints.
    """
    # As in a process of its own, which has met no class yet.
    internals._DYNAMIC_CLASS_TRACKER_BY_ID.clear()
    namespace = new_namespace()
    for parameter in pipeline.parameters:
        if parameter.name in step.parameters:
            # A fresh object each time, as from a file.
            namespace[parameter.name] = ast.literal_eval(repr(parameter.default))
    for cell in step.prelude:
        printed(cell, namespace)
    for provider in dict.fromkeys(step.inputs.values()):
        names = [name for name, given in step.inputs.items() if given == provider]
        values.load(work / provider, namespace, names)
    for cell in step.cells:
        text = printed(cell, namespace)
        if seen is not None:
            seen(cell, text)
    values.dump(namespace, step.outputs, work / step.name, optional=True)
    return namespace


def compiled(book: Notebook) -> Pipeline | MlopsError:
    """Return the pipeline, or why there is none."""
    try:
        return compile_notebook(book)
    except MlopsError as error:
        return error


Inside = Callable[[Callable[[], Any]], Any]
"""How code is run: here, or in a process of its own."""


def compare(
    cells: Cells,
    *,
    path: Path = Path("book.ipynb"),
    whole: Inside = lambda act: act(),
    each: Inside = lambda act: act(),
) -> MlopsError | None:
    """Run cells as a notebook and as the pipeline it compiles to, and compare.

    Returns the refusal, where the notebook is refused. Raises `AssertionError` where a step's
    output, or what one of its cells prints, is not what it is in the notebook. Among steps that
    may run side by side the last ones of the notebook run first.
    """
    book = notebook(*cells, path=path)
    pipeline = compiled(book)
    if isinstance(pipeline, MlopsError):
        assert pipeline.place is not None, pipeline
        assert pipeline.place.cell is not None, pipeline
        return pipeline
    texts, expected = whole(functools.partial(_whole, book, pipeline))
    with tempfile.TemporaryDirectory() as folder:
        for step in backwards(pipeline):
            try:
                seen, found = each(functools.partial(_step, pipeline, step, Path(folder)))
            except MlopsError as error:
                if error.code != "values.unserialisable":
                    raise
                return error
            for cell in step.cells:
                text, wanted = seen[cell.id], texts[cell.id]
                assert text == wanted, f"cell {cell.position} prints {text!r}, not {wanted!r}"
            assert found.keys() <= expected[step.name].keys(), step.name
            for name, value in expected[step.name].items():
                left = found[name]
                assert left == value, f"`{name}` of {step.name} is {left}, not {value}"
    return None


_Texts = dict[str, str]


def _whole(book: Notebook, pipeline: Pipeline) -> tuple[_Texts, dict[str, _Texts]]:
    """Run the notebook; return what each cell prints, and what is to be each step's outputs."""
    ends = {step.cells[-1].position: step for step in pipeline.steps}
    namespace = new_namespace()
    texts: _Texts = {}
    expected: dict[str, _Texts] = {}
    for cell in book.code_cells:
        texts[cell.id] = printed(cell, namespace)
        if cell.position in ends:
            step = ends[cell.position]
            expected[step.name] = _outputs(step, namespace)
    return texts, expected


def _step(pipeline: Pipeline, step: Step, work: Path) -> tuple[_Texts, _Texts]:
    """Run one step; return what its cells print, and its outputs."""
    texts: _Texts = {}
    found = run_step(pipeline, step, work, lambda cell, text: texts.update({cell.id: text}))
    return texts, _outputs(step, found)


def _outputs(step: Step, namespace: dict[str, Any]) -> _Texts:
    states = {*step.outputs} & _random_state.STATES
    known = {**namespace, **{name: _random_state.take(name) for name in states}}
    return {name: show(known[name]) for name in step.outputs if name in known}


def backwards(pipeline: Pipeline) -> list[Step]:
    """Return the steps in the order that keeps all edges and takes the last one that it can."""
    waiting = list(pipeline.steps)
    done: set[str] = set()
    order: list[Step] = []
    while waiting:
        step = next(each for each in reversed(waiting) if done.issuperset(each.upstream))
        waiting.remove(step)
        done.add(step.name)
        order.append(step)
    return order


def show(value: Any, around: tuple[int, ...] = ()) -> str:
    """Return a text that is equal for equal values, whatever order sets have."""
    kind = type(value).__name__
    if id(value) in around:
        return "..."
    inside = (*around, id(value))
    if kind in ("DataFrame", "Series"):
        return f"{value.to_json(orient='split', double_precision=10)} {value.dtypes}"
    if kind == "ndarray":
        return f"{value.dtype} {value.tolist()}"
    if isinstance(value, set):
        return str(sorted(show(each, inside) for each in value))
    if kind == "Logger":
        return f"Logger {value.name} {value.level}"
    if kind == "Generator":
        return str(value.bit_generator.state)
    if isinstance(value, list | tuple):
        return f"{kind}({', '.join(show(each, inside) for each in value)})"
    if isinstance(value, dict):
        items = (f"{show(key, inside)}: {show(each, inside)}" for key, each in value.items())
        return f"{kind}({', '.join(items)})"
    if isinstance(value, types.FunctionType):
        free = [cell.cell_contents for cell in value.__closure__ or ()]
        held = [*(value.__defaults__ or ()), *free]
        return f"{value.__qualname__}({', '.join(show(each, inside) for each in held)})"
    if isinstance(value, types.MethodType):
        return f"{value.__func__.__qualname__} of {show(value.__self__, inside)}"
    if isinstance(value, functools.partial):
        return f"partial {show([value.func, value.args, value.keywords], inside)}"
    if isinstance(value, type):
        own = {name: each for name, each in vars(value).items() if isinstance(each, _DATA)}
        shown = {name: own[name] for name in sorted(own) if name[0] != "_"}
        return f"{value.__qualname__} {show(shown, inside)}"
    state = getattr(value, "__dict__", None)
    return f"{kind} {show(state, inside)}" if state else _ADDRESS.sub("", repr(value))


_ADDRESS = re.compile(r"0x[0-9a-f]+")
_DATA = (int, str, list, dict, set)
