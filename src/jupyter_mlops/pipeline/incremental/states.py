"""What is known of cached reruns that may have to go on: ``.mlops/reruns/<run>/``."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from ...capture.processes import started
from ...errors import MlopsError, Place
from ...notebook.moments import plain
from ...os_errors import explain_os_errors
from ...project import Project

_FOLDER = "reruns"
_RECORD = "run.json"
_WORK = "work"

Status = Literal["running", "ok", "failed"]


@dataclass(frozen=True, slots=True)
class State:
    """A cached rerun: whose it is, and what it was given. ``running`` stays where it was killed."""

    run: str
    notebook: str
    status: Status
    started: str
    folder: Path
    parameters: dict[str, Any] = field(default_factory=dict)
    process: tuple[int, float] = (0, 0.0)

    @property
    def work(self) -> Path:
        return self.folder / _WORK

    @property
    def alive(self) -> bool:
        """Whether its process still runs."""
        number, since = self.process
        return self.status == "running" and bool(number) and started(number) == since

    def ended(self, status: Status) -> State:
        """Write and return the state with another status."""
        return _write(replace(self, status=status))


def begin(project: Project, run: str, notebook: str, parameters: dict[str, Any]) -> State:
    """Write the state of a rerun that begins."""
    folder = project.folder(_FOLDER, run)
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    process = (os.getpid(), started(os.getpid()) or 0.0)
    state = State(run, notebook, "running", now, folder, parameters, process)
    with explain_os_errors(folder):
        state.work.mkdir(exist_ok=True)
    return _write(state)


def to_resume(project: Project, notebook: str, ref: str) -> State:
    """Return the rerun to go on with: by name, unique prefix, or ``latest``.

    Raises `MlopsError` ``run.unknown``, ``run.nothing-failed``, or ``run.running`` where it is not
    over yet.
    """
    known = _states(project, notebook)
    found = known[:1] if ref == "latest" else [s for s in known if s.run.startswith(ref)]
    found = [s for s in found if s.run == ref] or found
    if not known:
        raise MlopsError(
            "run.nothing-failed",
            f"No cached rerun of {notebook} has failed.",
            hint="run it with `--cached`: what has not changed is taken from the cache.",
            place=Place(notebook),
        )
    if len(found) != 1:
        names = ", ".join(each.run for each in (found or known)[:5])
        raise MlopsError(
            "run.unknown",
            f"`{ref}` names {'more than one' if found else 'no'} cached rerun that has failed.",
            hint=f"the newest are: {names}.",
            place=Place(notebook),
        )
    if found[0].alive:
        raise MlopsError(
            "run.running",
            f"The rerun {found[0].run} still runs.",
            hint="wait for its end, or interrupt it.",
            place=Place(notebook),
        )
    return found[0]


def clean_up(project: Project, notebook: str, keep: State) -> None:
    """Remove what failed reruns of a notebook have left, now that one has ended well."""
    for state in _states(project, notebook):
        if not state.alive and state.run != keep.run:
            shutil.rmtree(state.folder, ignore_errors=True)
    shutil.rmtree(keep.folder, ignore_errors=True)


def _states(project: Project, notebook: str) -> list[State]:
    """Return the reruns of a notebook that did not end well, newest first."""
    found: list[State] = []
    for path in (project.state / _FOLDER).glob(f"*/{_RECORD}"):
        with contextlib.suppress(OSError, ValueError, TypeError):
            content = json.loads(path.read_text(encoding="utf-8"))
            content["process"] = tuple(content["process"])
            state = State(**content, folder=path.parent)
            if state.notebook == notebook and state.status != "ok":
                found.append(state)
    return sorted(found, key=lambda state: state.started, reverse=True)


def _write(state: State) -> State:
    content = {
        "run": state.run,
        "notebook": state.notebook,
        "status": state.status,
        "started": state.started,
        "parameters": plain(state.parameters),
        "process": list(state.process),
    }
    path = state.folder / _RECORD
    with explain_os_errors(state.folder):
        temporary = path.with_name(f".{path.name}.tmp")
        temporary.write_text(json.dumps(content, indent=1, default=repr), encoding="utf-8")
        os.replace(temporary, path)
    return state
