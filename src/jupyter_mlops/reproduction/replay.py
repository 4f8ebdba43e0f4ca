"""The notebook that executes again what a run has executed: every execution is a cell of it."""

from __future__ import annotations

import ast
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..capture.cells import INJECTED
from ..capture.redaction import MARK
from ..errors import MlopsError, Place
from ..notebook.document import Cell, Notebook, parse
from ..notebook.parameters import check_parameters, read_parameters
from ..notebook.tags import PARAMETERS, RAISES
from ..rerun.injection import source as injected_source
from .recorded import Recorded

KERNEL = "mlops-reproduction"
_TOOL = re.compile(r"(?:\s*%mlops\s+[a-z].*\n?)+\s*\Z")
_ENV = re.compile(r"^(\w+) = __import__\(\"os\"\)\.environ\[(.+)\]$", re.MULTILINE)
_FILE = re.compile(r"^(\w+) = open\((.+), encoding=\"utf-8\", newline=\"\"\)\.read", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Execution:
    """One execution to be done again; ``cell`` is where it stands in the rebuilt notebook.

    ``order`` is the execution's number in the run, ``position`` the cell's in its notebook.
    ``error`` is what it failed with, empty where it did not.
    """

    order: int
    id: str
    position: int | None
    source: str
    tags: tuple[str, ...]
    again: int
    error: str = ""
    line: int | None = None

    @property
    def place(self) -> str:
        """The cell's name for people."""
        name = f"cell {self.position}" if self.position is not None else f"execution {self.order}"
        if self.id == INJECTED:
            name = "the injected parameters"
        return f"{name}, execution {self.again}" if self.again > 1 else name

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.source.encode("utf-8", "surrogatepass")).hexdigest()

    def as_cell(self) -> Cell:
        """Return it as a cell, at the place that the user knows."""
        return Cell(self.id, self.position or self.order, "code", self.source, self.tags)


@dataclass(frozen=True, slots=True)
class Replay:
    """The executions in their order; ``left_out`` are sentences on what is not done again."""

    executions: tuple[Execution, ...]
    parameters: dict[str, str] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()

    def text(self) -> str:
        """Return the rebuilt notebook as an ``.ipynb``."""
        cells: list[dict[str, Any]] = [
            {
                "cell_type": "code",
                "id": each.id,
                "metadata": {"tags": list(each.tags)} if each.tags else {},
                "source": each.source,
                "outputs": [],
                "execution_count": None,
            }
            for each in self.executions
        ]
        metadata = {
            "kernelspec": {"name": KERNEL, "display_name": KERNEL, "language": "python"},
            "language_info": {"name": "python"},
        }
        content = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
        return json.dumps(content, indent=1, ensure_ascii=False) + "\n"

    @property
    def digest(self) -> str:
        """The SHA-256 of all executed sources, in order."""
        digests = json.dumps([each.digest for each in self.executions])
        return hashlib.sha256(digests.encode()).hexdigest()


def replay(run: Recorded) -> Replay:
    """Return what is to be executed again.

    Raises
    ------
    MlopsError
        ``reproduce.no-cells`` where the run has executed none, ``reproduce.redacted`` where a
        secret stood in a cell, and what `check_parameters` raises of a secret that is not there.
    """
    executions: list[Execution] = []
    left_out: list[str] = []
    names: set[str] = set()
    for cell in run.cells:
        each = _execution(cell, names)
        if not each.source.strip():
            continue
        if cell["outcome"] not in ("ok", "failed"):
            left_out.append(f"{each.place} was {cell['outcome']} in the run")
        elif _TOOL.match(each.source):
            left_out.append(f"{each.place} works on the project, not on results")
        else:
            executions.append(each)
        if MARK in each.source:
            raise MlopsError(
                "reproduce.redacted",
                "A secret stood in the cell, and was not kept: it cannot be executed as it was.",
                hint="make the secret a parameter that is given by reference (`env:NAME`), and "
                "run the notebook again.",
                place=Place(run.notebook, each.position, each.id),
            )
    if not executions:
        raise MlopsError(
            "reproduce.no-cells",
            f"The run {run.run} has executed no cell, so that there is nothing to reproduce.",
            hint="`jupyter mlops runs` lists the runs.",
            place=Place(run.notebook),
        )
    found = Replay(tuple(executions), left_out=tuple(left_out))
    if run.kind != "interactive":
        found = _with_given(run, found)
    return replace(found, parameters=_parameters(run, found))


def checked(notebook: Notebook, parameters: Mapping[str, str]) -> dict[str, Any]:
    """Return the parameters, typed by the notebook's own declarations."""
    return check_parameters(notebook, read_parameters(notebook), parameters) if parameters else {}


def _execution(cell: Mapping[str, Any], names: set[str]) -> Execution:
    again = cell.get("again") or 1
    name = cell.get("id") or f"executed-{cell['order']}"
    if name in names or not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name):
        name = f"executed-{cell['order']}"
    names.add(name)
    tags = [tag for tag in cell.get("tags") or () if tag != RAISES]
    if again > 1:  # a notebook has one cell of parameters
        tags = [tag for tag in tags if tag not in PARAMETERS]
    failed = cell["outcome"] == "failed"
    return Execution(
        order=cell["order"],
        id=name,
        position=cell.get("position"),
        source=cell["source"],
        tags=(*tags, RAISES) if failed else tuple(tags),
        again=again,
        error=cell.get("error", "") if failed else "",
        line=cell.get("line") if failed else None,
    )


def _parameters(run: Recorded, found: Replay) -> dict[str, str]:
    """Return the given parameters as text, where they type to the cell that was injected.

    The injected cell itself is executed again in any case.
    """
    injected = next((each for each in found.executions if each.id == INJECTED), None)
    if injected is None:
        return {}
    assigned = _assigned(injected.source)
    given = {name: value for name, value in run.parameters.items() if name in assigned}
    for pattern, prefix in ((_ENV, "env:"), (_FILE, "file:")):
        for name, literal in pattern.findall(injected.source):
            given[name] = prefix + ast.literal_eval(literal)
    notebook = parse(found.text(), path=Path(run.notebook), name=run.notebook)
    try:
        values = checked(notebook, given)
    except MlopsError as error:
        if error.code in ("parameters.secret", "parameters.wrong"):
            raise
        return {}  # the notebook's declarations have been executed otherwise: the cell counts
    wanted = injected_source(values, read_parameters(notebook))
    return given if _means(wanted) == _means(injected.source) else {}


def _with_given(run: Recorded, found: Replay) -> Replay:
    """Set in the injected cell what the run was given and that cell does not say.

    The points of a sweep share one such cell; each sets its own values on its way.
    """
    notebook = parse(found.text(), path=Path(run.notebook), name=run.notebook)
    declared = read_parameters(notebook)
    executions = list(found.executions)
    at = next((n for n, each in enumerate(executions) if each.id == INJECTED), None)
    said = _assigned(executions[at].source) if at is not None else set()
    given = {p.name: run.parameters[p.name] for p in declared if p.name in run.parameters}
    rest = {name: value for name, value in given.items() if name not in said}
    if at is None or not rest:
        return found
    values = checked(notebook, rest)
    lines = injected_source(values, declared).partition("\n")[2]
    executions[at] = replace(executions[at], source=f"{executions[at].source.rstrip()}\n{lines}")
    return replace(found, executions=tuple(executions))


def _assigned(source: str) -> set[str]:
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return set()
    return {
        n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }


def _means(source: str) -> str:
    return ast.dump(ast.parse(source))
