"""Which notebook a kernel runs, and what a rerun was ordered to do."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import msgspec

from ..errors import MlopsError
from .cells import VSCODE, code_sources

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

INTERACTIVE = "<interactive>"
ORDER = "JUPYTER_MLOPS_RUN"
_RUNNERS = re.compile(
    r"(?:.*[/\\])?(?:papermill|nbconvert|nbclient|jupyter(?:-\w+)?)(?:\.exe|\.py)?\Z"
)
_MOST_NOTEBOOKS = 200


class Order(msgspec.Struct, frozen=True):
    """What ``JUPYTER_MLOPS_RUN`` says: the run that whoever started the kernel wants.

    ``flow`` is the file for the observed flow, where all of it is wanted at any cost. ``secrets``
    are references to what must not be kept. ``parent`` is the run that this one is a part of,
    ``injected`` the cell that gives its parameters, where others have run it before.
    ``journal`` is the folder for what is captured; default: that of the run in the project. A
    ``part`` of a run leaves it to others to tell of the environment and of git. ``cells`` is a file
    with the notebook's cells, where the notebook itself is in none.
    """

    run: str
    kind: str = "rerun"
    notebook: str = ""
    parameters: dict[str, Any] = msgspec.field(default_factory=dict)
    observe: list[dict[str, Any]] = msgspec.field(default_factory=list)
    flow: str = ""
    secrets: list[str] = []
    parent: str = ""
    injected: str = ""
    journal: str = ""
    part: bool = False
    cells: str = ""


def order() -> Order | None:
    """Return the order in the environment; raises `MlopsError` ``capture.order`` for nonsense."""
    text = os.environ.get(ORDER)
    if not text:
        return None
    try:
        return msgspec.json.decode(text, type=Order)
    except msgspec.MsgspecError as error:
        raise MlopsError(
            "capture.order",
            f"{ORDER} is not an order for a run: {error}.",
            hint="start reruns with `jupyter mlops rerun`, or unset the variable.",
        ) from None


@dataclass(frozen=True, slots=True)
class Request:
    """How the front end sent the cell that runs: the cell's id, and whether anybody is there."""

    cell: str | None = None
    attended: bool = True


def request(shell: InteractiveShell) -> Request:
    """Return the request that ``shell`` works on; a terminal has none."""
    parent: dict[str, Any] = getattr(shell, "get_parent", dict)() or {}
    cell = (parent.get("metadata") or {}).get("cellId")
    attended = (parent.get("content") or {}).get("allow_stdin", True)
    return Request(cell if isinstance(cell, str) else None, bool(attended))


def notebook_path(
    namespace: Mapping[str, Any],
    ordered: Order | None,
    request: Request | None = None,
    sources: Sequence[str] = (),
) -> Path | None:
    """Return the absolute path of the running notebook, None where there is none.

    An order names it; VS Code puts it into the namespace, and into the ids of its cells; the
    Jupyter server into the environment (an absolute path, or one relative to a parent of the
    kernel's folder). papermill and nbconvert have it in their command line. A program that uses
    them starts the kernel in the notebook's folder: there it is the one notebook that holds the
    cells executed so far.

    Parameters
    ----------
    sources
        What the kernel has executed, the cell that runs included.
    """
    if ordered is not None and ordered.notebook:
        return Path(ordered.notebook).absolute()
    if isinstance(named := namespace.get("__vsc_ipynb_file__"), str):
        return Path(named).absolute()
    request = request or Request()
    if request.cell is not None and request.cell.startswith(VSCODE):
        found = Path(unquote(urlsplit(request.cell).path))
        if found.is_file():
            return found
    if session := os.environ.get("JPY_SESSION_NAME"):
        return _below_parents(Path(session))
    if not request.attended:
        return _of_command() or _with_cells(sources)
    return None


def _below_parents(given: Path) -> Path | None:
    here = Path.cwd()
    for candidate in (given, *(parent / given for parent in (here, *here.parents))):
        if candidate.suffix == ".ipynb" and candidate.is_file():
            return candidate.absolute()
    return None


def _of_command() -> Path | None:
    """Return the notebook that the command which started this kernel names first."""
    import psutil

    try:
        parent = psutil.Process(os.getppid())
        folder, words = Path(parent.cwd()), parent.cmdline()[1:]
    except psutil.Error:
        return None
    # The words of `python -m pytest` or of somebody's own program mean something else.
    if not any(_RUNNERS.match(word) for word in words[:3]):
        return None
    for word in words:
        found = folder / word
        if word.endswith(".ipynb") and found.is_file():
            return found.absolute()
    return None


def _with_cells(sources: Sequence[str]) -> Path | None:
    """Return the only notebook of the kernel's folder that holds these cells in this order."""
    wanted = [source.strip() for source in sources if source.strip()]
    found: list[Path] = []
    notebooks = sorted(Path.cwd().glob("*.ipynb"))
    if not wanted or len(notebooks) > _MOST_NOTEBOOKS:
        return None
    for path in notebooks:
        try:
            cells = iter(code_sources(path))
        except (OSError, msgspec.MsgspecError):
            continue
        if all(source in cells for source in wanted):
            found.append(path.absolute())
    return found[0] if len(found) == 1 else None
