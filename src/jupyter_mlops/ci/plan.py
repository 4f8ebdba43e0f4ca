"""What continuous integration does for a project, step by step."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ..errors import MlopsError, Place
from ..notebook.document import read
from ..notebook.given import read_file
from ..notebook.parameters import read_parameters
from ..notebook.tags import STEP_PREFIXES
from ..project import SETTINGS, Project

RESULTS = "ci-results"
"""The folder for executed notebooks and reports, below the project's root."""
_NOT_OURS = frozenset({RESULTS, "pipelines", "node_modules", "site-packages"})


@dataclass(frozen=True, slots=True)
class Step:
    """One step: commands for a shell, in the project's root.

    ``always`` steps run although an earlier one has failed; ``on_main`` steps run on the main
    branch only.
    """

    name: str
    commands: tuple[str, ...]
    always: bool = False
    on_main: bool = False


def find_notebooks(project: Project) -> tuple[str, ...]:
    """Return the notebooks that CI runs, relative to the root: `[ci] notebooks`, or all.

    Raises
    ------
    MlopsError
        ``ci.no-notebooks`` where there is none.
    """
    patterns = project.settings.ci.notebooks
    found: set[Path] = set()
    for pattern in patterns or ("**/*.ipynb",):
        matched = [path for path in project.root.glob(pattern) if path.is_file()]
        if patterns:
            found.update(matched)
        else:
            found.update(path for path in matched if _is_source(path.relative_to(project.root)))
        if patterns and not matched:
            raise _none(project, f"`[ci] notebooks` names {pattern!r}, where there is no notebook")
    if not found:
        raise _none(project, "The project has no notebook")
    names = sorted(path.relative_to(project.root).as_posix() for path in found)
    for name in names:
        if "${{" in name or any(ord(letter) < 32 for letter in name):
            raise MlopsError(
                "ci.name",
                f"A workflow cannot hold the name {name!r}.",
                hint="give the notebook a plain name.",
                place=Place(name),
            )
    return tuple(names)


def plan(project: Project, notebooks: Sequence[str] | None = None) -> tuple[Step, ...]:
    """Return the steps for these notebooks, by default those of `find_notebooks`."""
    names = tuple(notebooks or find_notebooks(project))
    settings = project.settings.ci
    executed = {name: f"{RESULTS}/{_flat(name)}" for name in names}
    quoted = shlex.join(map(_path, names))
    steps = [
        Step("Check", (f"jupyter mlops check --format github {quoted}",)),
        Step(
            "Rerun",
            (
                f"mkdir -p {RESULTS}",
                *(_papermill(project, name, executed[name]) for name in names),
            ),
        ),
        Step(
            "Metrics",
            (f"jupyter mlops ci metrics {shlex.join(executed.values())}",),
        ),
        Step(
            "Report",
            tuple(_report(path) for path in executed.values()),
            always=True,
        ),
    ]
    promoted = settings.promote if settings.promote is not None else _tagged(project, names)
    if promoted:
        words = tuple(_promotion(project, name) for name in promoted)
        steps.append(Step("Promote", words, on_main=True))
    return tuple(steps)


def _promotion(project: Project, name: str) -> str:
    words = ["jupyter", "mlops", "promote", _path(name)]
    if project.settings.ci.images != "auto":
        words += ["--images", project.settings.ci.images]
    return shlex.join(words)


def _path(name: str) -> str:
    """Return a name as a command's argument: never an option."""
    return f"./{name}" if name.startswith("-") else name


def _papermill(project: Project, name: str, output: str) -> str:
    words = ["papermill", "--engine", "mlops", _path(name), output, "--no-progress-bar"]
    folder = PurePosixPath(name).parent
    if folder.parts:
        # In the notebook's folder, as JupyterLab runs it.
        words += ["--cwd", str(folder)]
    if (file := _parameters(project, name)) is not None:
        words += ["-f", file]
    return shlex.join(words)


def _parameters(project: Project, name: str) -> str | None:
    """Return the file with a notebook's parameters.

    Raises `MlopsError` ``ci.parameters`` where one for all has only some of the notebook's.
    """
    given = project.settings.ci.parameters
    if given is None or isinstance(given, dict):
        return given.get(name) if given is not None else None
    path = project.root / given
    if not path.exists():
        return given
    wanted = read_file(path).keys()
    known = {
        each.name for each in read_parameters(read(project.root / name, name=name), computed=True)
    }
    if wanted <= known:
        return given
    if not wanted & known:
        return None
    raise MlopsError(
        "ci.parameters",
        f"{given} gives `{min(wanted - known)}`, which this notebook does not have, and "
        f"`{min(wanted & known)}`, which it has.",
        hint=f'name a file for each notebook: `parameters = {{ "{name}" = "{given}" }}` under '
        f"`[ci]` in {SETTINGS}.",
        place=Place(name),
    )


def _report(executed: str) -> str:
    page = f"{executed.removesuffix('.ipynb')}.html"
    # A notebook that did not run has no result to report; the step before has told so.
    return (
        f"if [ -f {shlex.quote(executed)} ]; then "
        f"{shlex.join(['jupyter', 'mlops', 'report', executed, '-o', page])}; fi"
    )


def _flat(name: str) -> str:
    return name.replace("/", "--")


def _tagged(project: Project, names: Sequence[str]) -> tuple[str, ...]:
    """Return the notebooks with tagged steps: only those can be promoted."""
    found = []
    for name in names:
        cells = read(project.root / name, name=name).code_cells
        if any(tag.startswith(STEP_PREFIXES) for cell in cells for tag in cell.tags):
            found.append(name)
    return tuple(found)


def _is_source(path: Path) -> bool:
    parts = path.parts
    return not any(part.startswith(".") or part in _NOT_OURS for part in parts)


def _none(project: Project, words: str) -> MlopsError:
    return MlopsError(
        "ci.no-notebooks",
        f"{words}.",
        hint=f'write for example `notebooks = ["notebooks/*.ipynb"]` under `[ci]` in {SETTINGS}.',
        place=Place(str(project.root)),
    )
