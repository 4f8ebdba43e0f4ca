"""What is kept of a sweep while it runs and afterwards: its head, and one small file per point.

Each file is written in one piece when a point ends, so that a sweep that was killed has all that
had ended, and `--resume` goes on with the rest.
"""

from __future__ import annotations

import math
import os
import socket
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal

import msgspec

from ..capture.processes import lives, started
from ..errors import MlopsError, Place
from ..notebook import moments
from ..os_errors import explain_os_errors
from ..project import Project
from .outcome import Outcome
from .outcome import Status as PointStatus
from .points import Point
from .setting import FOLDER

_HEAD = "sweep.json"

Kind = Literal["sweep", "tune"]
Status = Literal["running", "ok", "failed", "stopped"]


class Row(msgspec.Struct, frozen=True):
    """One point as it stands; ``parameters`` are as JSON holds them, ``error`` is one line."""

    number: int
    parameters: dict[str, Any]
    status: PointStatus = "waiting"
    run: str = ""
    metrics: dict[str, float] = {}
    seconds: float = 0.0
    error: str = ""


class Head(msgspec.Struct, frozen=True):
    """What is known of a sweep as a whole.

    ``points`` are the parameters of all points in order, as far as they are known beforehand; of a
    tuning they are not, and ``trials`` says how many there are to be. ``importances`` are the
    shares that parameters have in the differences between points.
    ``metric`` decides which point is best, the one with the highest value where ``highest``.
    ``shared`` counts the cells that were run once for all points. ``host``, ``pid`` and
    ``pid_started`` are of the process that runs the sweep, as far as it is known.
    """

    name: str
    kind: Kind
    notebook: str
    path: str
    digest: str
    started: float
    fixed: dict[str, Any]
    swept: list[str]
    points: list[dict[str, Any]]
    status: Status = "running"
    metric: str = ""
    highest: bool = True
    shared: int = 0
    cells: int = 0
    seconds: float = 0.0
    summary: str = ""
    space: dict[str, str] = {}
    trials: int = 0
    importances: dict[str, float] = {}
    host: str = ""
    pid: int = 0
    pid_started: float = 0.0


class Sweep(msgspec.Struct, frozen=True):
    """A sweep: its head and its points' rows."""

    head: Head
    rows: list[Row]
    folder: str

    @property
    def name(self) -> str:
        return self.head.name

    @property
    def status(self) -> Status:
        """How the sweep stands; one whose process is gone does not run."""
        head = self.head
        if head.status == "running" and not lives(head.host, head.pid, head.pid_started):
            return "stopped"
        return head.status

    @property
    def ranked(self) -> list[Row]:
        """Return the rows that have a value of the metric, the best first."""
        metric, sign = self.head.metric, -1 if self.head.highest else 1
        having = [
            row for row in self.rows if row.status == "ok" and is_number(row.metrics.get(metric))
        ]
        return sorted(having, key=lambda row: (sign * row.metrics[metric], row.number))

    @property
    def best(self) -> Row | None:
        """Return the best row, None where no point has the metric."""
        return next(iter(self.ranked), None)

    @property
    def total(self) -> int:
        """How many points there are to be."""
        return len(self.head.points) or max(self.head.trials, len(self.rows))

    @property
    def left(self) -> int:
        """How many points have not ended."""
        return self.total - sum(row.status in ("ok", "failed", "pruned") for row in self.rows)

    def count(self, status: PointStatus) -> int:
        """Return how many points stand so."""
        return sum(row.status == status for row in self.rows)

    def to_dict(self) -> dict[str, Any]:
        best = self.best
        return {
            **msgspec.to_builtins(self.head),
            "status": self.status,
            "rows": [msgspec.to_builtins(row) for row in self.rows],
            "best": best.number if best is not None else None,
            "total": self.total,
            "folder": self.folder,
        }


def is_number(value: float | None) -> bool:
    """Tell whether a value can be compared."""
    return value is not None and value == value


def plain(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters as JSON holds them."""
    return dict(moments.plain(dict(parameters)))


def row_of(point: Point, outcome: Outcome | None = None, run: str = "") -> Row:
    """Return a point's row; one without an outcome runs."""
    parameters = plain(point.parameters)
    if outcome is None:
        return Row(point.number, parameters, "running" if run else "waiting", run)
    return ended_row(Row(point.number, parameters), outcome)


def ended_row(row: Row, outcome: Outcome) -> Row:
    """Return a point's row with how it ended."""
    return Row(
        row.number,
        row.parameters,
        outcome.status,
        outcome.run,
        outcome.metrics,
        outcome.seconds,
        str(outcome.error) if outcome.error is not None else "",
    )


def write_head(folder: Path, head: Head) -> None:
    """Keep what is known of the sweep, which this process runs.

    Raises `MlopsError` ``project.disk-full``.
    """
    host, pid, since = _here(os.getpid())
    head = msgspec.structs.replace(head, host=host, pid=pid, pid_started=since)
    _write(folder / _HEAD, msgspec.json.encode(head, enc_hook=repr))


def write_row(folder: Path, row: Row) -> None:
    """Keep how a point ended; raises `MlopsError` ``project.disk-full``."""
    content = msgspec.to_builtins(row, enc_hook=repr)
    for name, value in row.metrics.items():
        if not math.isfinite(value):  # JSON has no such numbers
            content["metrics"][name] = repr(value)
    _write(folder / "points" / f"{row.number}.json", msgspec.json.encode(content))


def read_sweep(sweep: Path | str) -> Sweep:
    """Read a sweep: from its folder, or by its name in the project of the working directory.

    A point whose file is damaged counts as one that has not run. Raises `MlopsError`
    ``sweep.damaged`` and ``sweep.unknown``.
    """
    folder = Path(sweep)
    if not (folder / _HEAD).exists() and isinstance(sweep, str):
        return find(Project.find(), sweep)
    try:
        head = msgspec.json.decode((folder / _HEAD).read_bytes(), type=Head)
    except (OSError, msgspec.MsgspecError):
        raise MlopsError(
            "sweep.damaged",
            "What is kept of this sweep cannot be read.",
            hint="start the sweep anew; the runs of its points are in the store.",
            place=Place(str(folder)),
        ) from None
    found: dict[int, Row] = {}
    for path in (folder / "points").glob("*.json"):
        if (row := _row(path)) is None:
            continue
        found[row.number] = row
    for number, parameters in enumerate(head.points, 1):
        found.setdefault(number, Row(number, parameters))
    return Sweep(head, [found[number] for number in sorted(found)], str(folder))


def read_row(folder: Path, number: int) -> Row | None:
    """Return a point's row as it is kept; None where there is none that can be read."""
    return _row(folder / "points" / f"{number}.json")


def _row(path: Path) -> Row | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Row, strict=False)
    except (OSError, msgspec.MsgspecError):
        return None


def sweeps(project: Project) -> list[Sweep]:
    """Return the sweeps of a project, newest first; those that cannot be read are left out."""
    found: list[Sweep] = []
    for path in (project.state / FOLDER).glob(f"*/{_HEAD}"):
        try:
            found.append(read_sweep(path.parent))
        except MlopsError:
            continue
    return sorted(found, key=lambda sweep: sweep.head.started, reverse=True)


def find(project: Project, ref: str, kinds: Sequence[Kind] = ("sweep", "tune")) -> Sweep:
    """Return a sweep by name, unique prefix, or ``latest``; raises ``sweep.unknown``."""
    known = [each for each in sweeps(project) if each.head.kind in kinds]
    found = known[:1] if ref == "latest" else [each for each in known if each.name.startswith(ref)]
    exact = [each for each in found if each.name == ref]
    if len(exact or found) == 1:
        return (exact or found)[0]
    names = ", ".join(each.name for each in (found or known)[:5])
    raise MlopsError(
        "sweep.unknown",
        f"`{ref}` names {'more than one' if found else 'no'} {kinds[0]}.",
        hint=f"the newest are: {names}." if names else f"`jupyter mlops {kinds[0]}` makes one.",
        place=Place(str(project.root)),
    )


@cache
def _here(pid: int) -> tuple[str, int, float]:
    return socket.gethostname(), pid, started(pid) or 0.0


def _write(path: Path, content: bytes) -> None:
    staged = path.with_name(f".{path.name}.{os.getpid()}")
    with explain_os_errors(path.parent):
        try:
            staged.write_bytes(content)
            os.replace(staged, path)
        finally:
            staged.unlink(missing_ok=True)
