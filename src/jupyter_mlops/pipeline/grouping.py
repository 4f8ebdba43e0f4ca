"""From tags to roles: which cell belongs to which step, and which runs before steps."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from typing import Literal

from ..errors import MlopsError
from ..notebook import tags
from ..notebook.dataflow import CellCode, cell_code
from ..notebook.document import Cell, Notebook
from ..notebook.parameters import parameters_cell

Kind = Literal["parameters", "prelude", "step", "excluded"]
_STEP_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*", re.ASCII)
_LONGEST_NAME = 50
_OURS = re.compile(r"%{1,2}mlops\b|%(?:re)?load_ext\s+jupyter_mlops\s*$")
SERVE_STEP = "serve"
_NO_TAGS = """\
add tags to the cells, in the Property Inspector of JupyterLab: `parameters`, \
`imports`, `functions`, `step:<name>`, `after:<name>`, `metrics`, `test`, `serve`, `skip`; \
for example `step:load` on the cell that loads the data and `step:train` on the one that trains; \
`jupyter mlops suggest` proposes some."""


@dataclass(slots=True)
class Role:
    """What one code cell is in the pipeline.

    ``step`` is set where ``kind`` is step, but for ``untagged`` cells, which are to join one.
    """

    code: CellCode
    kind: Kind
    step: str = ""
    metrics: bool = False
    serve: bool = False
    untagged: bool = False

    @property
    def cell(self) -> Cell:
        return self.code.cell


@dataclass(slots=True)
class Grouping:
    """The roles of all code cells in notebook order, and the edges that tags add."""

    roles: list[Role]
    after: dict[str, dict[str, Cell]] = field(default_factory=dict)
    """Step to the steps that its tags name, each with the cell that has the tag."""


def group(notebook: Notebook) -> Grouping:
    """Give every code cell the role that its tags ask for.

    Raises
    ------
    MlopsError
        ``pipeline.no-tags``, ``pipeline.step-name``, ``pipeline.two-roles``,
        ``pipeline.two-serve-cells``, ``pipeline.nothing-feeds``, ``pipeline.syntax`` or
        ``parameters.two-cells``.
    """
    if not any(_step_names(cell) for cell in notebook.code_cells):
        raise MlopsError(
            "pipeline.no-tags",
            "No cell is tagged as a step.",
            hint=_NO_TAGS,
            place=notebook.place(),
        )
    parameters_cell(notebook)
    grouping = Grouping([_role(notebook, cell) for cell in notebook.code_cells])
    _check_names(notebook, grouping)
    _check_serve(notebook, grouping)
    return grouping


def _step_names(cell: Cell) -> list[str]:
    found: dict[str, None] = {}
    for tag in cell.tags:
        prefix, _, name = tag.partition(":")
        # Kale leaves a bare `block:` on cells that belong to the step before them.
        if f"{prefix}:" in tags.STEP_PREFIXES and (name or tag == tags.STEP_PREFIX):
            found[name] = None
    return list(found)


def _role(notebook: Notebook, cell: Cell) -> Role:
    given = set(cell.tags)
    if given & (tags.SKIP | tags.TEST) or only_talks_to_us(cell):
        return Role(CellCode(cell, ast.Module([], []), ()), "excluded")
    steps = _step_names(cell)
    kinds = [
        word
        for word, found in (
            ("parameters", given & tags.PARAMETERS),
            ("imports", given & tags.IMPORTS),
            ("functions", given & tags.FUNCTIONS),
        )
        if found
    ]
    words = [*kinds, *(f"{tags.STEP_PREFIX}{name}" for name in steps)]
    if kinds:
        words += sorted(given & (tags.SERVE | tags.METRICS))
    if len(words) > 1 and set(words) != {"imports", "functions"}:
        raise MlopsError(
            "pipeline.two-roles",
            f"The cell has two roles: {', '.join(f'`{word}`' for word in words)}.",
            hint="keep one of these tags.",
            place=notebook.place(cell),
        )
    code = cell_code(cell, notebook)
    serve = bool(given & tags.SERVE)
    role = Role(
        code,
        "step",
        step=steps[0] if steps else SERVE_STEP if serve and not kinds else "",
        metrics=bool(given & tags.METRICS),
        serve=serve,
    )
    if "parameters" in kinds:
        role.kind = "parameters"
    elif kinds:
        role.kind = "prelude"
    elif not steps and not serve:
        role.untagged = bool(code.tree.body)
        role.kind = "step" if role.untagged else "excluded"
    return role


def _check_names(notebook: Notebook, grouping: Grouping) -> None:
    first: dict[str, str] = {}
    for role in grouping.roles:
        name = role.step
        if not name and not _step_names(role.cell):
            continue
        if role.kind == "step" and (not _STEP_NAME.fullmatch(name) or len(name) > _LONGEST_NAME):
            raise MlopsError(
                "pipeline.step-name",
                f"A step cannot be called `{name}`." if name else "The tag `step:` has no name.",
                hint="use lower-case letters, digits, `-` and `_`, such as "
                f"`step:{_suggest_name(name)}`; at most {_LONGEST_NAME} of them.",
                place=notebook.place(role.cell),
            )
        # Images and Kubernetes know no `_`.
        other = first.setdefault(name.replace("_", "-"), name)
        if other != name:
            raise MlopsError(
                "pipeline.step-name",
                f"The steps `{other}` and `{name}` differ only by `-` and `_`.",
                hint="give them different names, or the same one if they are one step.",
                place=notebook.place(role.cell),
            )


def _suggest_name(name: str) -> str:
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name)
    return re.sub(r"[^a-z0-9_-]+", "-", words.lower()).strip("-_")[:_LONGEST_NAME] or "load"


def _check_serve(notebook: Notebook, grouping: Grouping) -> None:
    cells = [role.cell for role in grouping.roles if role.serve]
    if len(cells) > 1:
        raise MlopsError(
            "pipeline.two-serve-cells",
            "A second cell is tagged `serve`.",
            hint=f"keep the tag on one cell: cell {cells[0].position} has it too.",
            place=notebook.place(cells[1]),
        )


def read_edges(notebook: Notebook, grouping: Grouping) -> None:
    """Read which steps the tags of cells put after which others, once all cells have a step.

    Raises `MlopsError` ``pipeline.nothing-feeds``.
    """
    grouping.after.clear()
    steps = list(dict.fromkeys(role.step for role in grouping.roles if role.kind == "step"))
    for role in grouping.roles:
        if role.kind != "step":
            continue
        for tag in role.cell.tags:
            prefix = next((p for p in tags.AFTER_PREFIXES if tag.startswith(p)), None)
            if prefix is None:
                continue
            name = tag[len(prefix) :]
            if name == role.step:
                continue
            if name not in steps:
                raise MlopsError(
                    "pipeline.nothing-feeds",
                    f"The tag `{tag}` names no step.",
                    hint=f"the steps are: {', '.join(steps)}.",
                    place=notebook.place(role.cell),
                )
            grouping.after.setdefault(role.step, {}).setdefault(name, role.cell)


def only_talks_to_us(cell: Cell) -> bool:
    """Tell whether a cell holds nothing but our own magics."""
    lines = [line.strip() for line in cell.source.splitlines() if line.strip()]
    spoken = [line for line in lines if not line.startswith("#")]
    return bool(spoken) and all(_OURS.match(line) for line in spoken)
