"""Reproduce: make environment, data and code of a run anew, run it again, compare, sign."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import MlopsError, Place
from ..governance.audit import AuditLog, actor
from ..governance.signing import Opened, seal, signer, unseal
from ..notebook.executed import run_of
from ..os_errors import explain_os_errors
from ..pipeline.differences import RELATIVE_TOLERANCE
from ..pipeline.shown import ExecutedNotebook
from ..progress import Progress, Stage
from ..project import Project
from ..tracking.store import LATEST, Store
from .certificate import PREDICATE, Certificate, environment_differences
from .code import restore_code
from .data import Found, State, find_data, place_data, require
from .environment import make_environment, this_environment
from .fitted import compare_models
from .outputs import Sources, compare
from .recorded import Recorded, of_run
from .replay import replay
from .running import Ran, Worker

if TYPE_CHECKING:
    from ..tracking.runs import RunDetail

_STATES: dict[State, str] = {
    "same": "as the run has read it",
    "moved": "found elsewhere by its content",
    "from git": "taken from git",
    "made by the run": "that the run makes itself",
    "not proven": "without a fingerprint",
    "changed": "changed",
    "missing": "missing",
}
FOLDER = "reproductions"
EVIDENCE = "evidence.json"


@dataclass(frozen=True, slots=True)
class Reproduction:
    """A reproduction and where it is kept.

    ``folder`` holds the signed evidence, the lock, and the executed notebook; ``evidence`` is
    where the evidence was asked for; ``place`` the clean place, where it was to be kept.
    """

    certificate: Certificate
    folder: Path
    evidence: Path
    executed: Path
    key: str
    place: Path | None = None

    def to_dict(self) -> dict[str, Any]:
        return {
            **self.certificate.to_dict(),
            "evidence": str(self.evidence),
            "executed": str(self.executed),
            "key": self.key,
            "place": str(self.place) if self.place else None,
        }


def reproduce(
    run: str = LATEST,
    *,
    project: Project | None = None,
    tolerance: float = RELATIVE_TOLERANCE,
    keep: bool = False,
    output: Path | None = None,
    same_environment: bool = False,
    anyway: bool = False,
) -> Progress[Reproduction]:
    """Run a run again in a clean place and compare everything that it has left.

    Parameters
    ----------
    run
        A run as `Store.run` takes it, or the path of an executed notebook.
    tolerance
        The relative difference of numbers that counts as none.
    keep
        Keep the clean place, with venv and data.
    output
        Where to write the evidence too.
    same_environment
        Use this environment, and tell what differs from the run's.
    anyway
        Go on where data is not what the run has read.

    Raises
    ------
    MlopsError
        ``run.unknown``, ``run.ambiguous``, ``reproduce.data``, ``reproduce.environment``,
        ``reproduce.no-cells``, ``reproduce.redacted``, ``reproduce.running``, ``evidence.key``,
        and what a rerun raises where the kernel does not start or dies.
    """
    project = project or Project.find(run if run.endswith(".ipynb") else None)
    began = datetime.now(UTC)
    key = signer(project)
    found, given = _find(project, run)
    recorded = of_run(Store(project), found)
    replayed = replay(recorded)
    with _clean_place(project, found.run, keep=keep) as (folder, place):
        root = place / "project"
        seconds: dict[str, float] = {}
        stage = Stage("data")
        yield stage.started(f"look for the data of {found.run}")
        data = find_data(project, recorded, replayed.executions)
        if not anyway:
            require(data, recorded)
        began_code = Stage("code")
        code = restore_code(project, recorded, root)
        yield _timed(began_code.done(code.words), seconds)
        placed = place_data(project, data, root, replayed.executions)
        known = {each.source for each in placed if each.sha256}
        code.unproven = [
            name for name in code.unproven if name not in known and name != recorded.notebook
        ]
        yield _timed(stage.done(_data_words(placed)), seconds)

        with Worker(place) as worker:
            stage = Stage("packages")
            yield stage.started("make the environment of the run")
            environment = (
                this_environment(recorded)
                if same_environment
                else make_environment(project, recorded, place / "venv", root)
            )
            yield _timed(stage.done(environment.words), seconds)
            started = time.perf_counter()
            ran = yield from worker.run(recorded, replayed, environment)
            seconds["run"] = time.perf_counter() - started

        stage = Stage("compare")
        sources = _sources(project, recorded, ran, place, given, replayed)
        judged = compare_models(
            project,
            recorded,
            ran.recorded,
            python=environment.python,
            folder=ran.cwd,
            tolerance=tolerance,
            ids=found.models,
        )
        outputs = compare(replace(sources, models=judged), tolerance)
        seconds["compare"] = stage.done("").seconds or 0.0
        certificate = Certificate(
            run=recorded,
            replay=replayed,
            outputs=tuple(outputs),
            code=code,
            data=tuple(placed),
            environment=environment,
            environment_differences=environment_differences(recorded, ran.recorded),
            here=ran.recorded,
            variables=ran.variables,
            tolerance=tolerance,
            actor=actor(project.root),
            began=began.isoformat(timespec="seconds"),
            ended=datetime.now(UTC).isoformat(timespec="seconds"),
            seconds={name: round(taken, 2) for name, taken in seconds.items()},
        )
        yield stage.done(certificate.words)
        executed = folder / "reproduced.ipynb"
        shutil.copyfile(ran.executed, executed)
        if environment.lock:
            (folder / "requirements.txt").write_text(environment.lock, encoding="utf-8")
        content = seal(certificate.statement(), key)
        evidence = output.absolute() if output is not None else folder / EVIDENCE
        for path in {folder / EVIDENCE, evidence}:
            _write(path, content)
        AuditLog(project).append(
            "reproduce",
            found.run,
            "ok" if certificate.ok else "failed",
            **({} if certificate.ok else {"reason": certificate.words}),
            verdict=certificate.verdict,
            evidence=project.relative(evidence),
            key=key.fingerprint,
        )
    return Reproduction(
        certificate, folder, evidence, executed, key.fingerprint, place if keep else None
    )


def verify(path: Path, key: str | None = None) -> Opened:
    """Check an evidence file and return what it says.

    Raises
    ------
    MlopsError
        ``evidence.missing``, ``evidence.altered``, ``evidence.other-key``, ``evidence.key``, or
        ``evidence.other-kind`` where it is evidence of something else.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise MlopsError(
            "evidence.missing",
            f"The evidence cannot be read: {error.strerror}.",
            hint="give the path of an evidence file; `jupyter mlops reproduce` writes one.",
            place=Place(str(path)),
        ) from None
    opened = unseal(content, key=key, name=str(path))
    if opened.statement.get("predicateType") != PREDICATE:
        raise MlopsError(
            "evidence.other-kind",
            f"It is whole, but tells of something else: {opened.statement.get('predicateType')}.",
            place=Place(str(path)),
        )
    return opened


def _find(project: Project, run: str) -> tuple[RunDetail, Path | None]:
    """Return the run, and the executed notebook that names it."""
    given = Path(run) if run.endswith(".ipynb") else None
    store = Store(project)
    store.sync()
    found = store.run(run_of(given) if given is not None else run)
    if found.status == "RUNNING":
        raise MlopsError(
            "reproduce.running",
            f"The run {found.run} goes on: it cannot be reproduced before it has ended.",
            hint="end it with `%mlops stop`, or restart its kernel.",
            place=Place(found.notebook),
        )
    return found, given


@contextmanager
def _clean_place(project: Project, run: str, *, keep: bool) -> Iterator[tuple[Path, Path]]:
    """Make the folder of what is kept, and the clean place; remove what is not to be kept."""
    folder = _new_folder(project, run)
    place = folder / "place" if keep else Path(tempfile.mkdtemp(prefix="jupyter-mlops-"))
    place.mkdir(exist_ok=True)
    place = place.resolve()
    try:
        yield folder, place
    finally:
        if not keep:
            _remove(place)
        if not any(folder.iterdir()):
            folder.rmdir()


def _new_folder(project: Project, run: str) -> Path:
    parent = project.folder(FOLDER)
    count = 1
    while True:
        folder = parent / (run if count == 1 else f"{run}-{count}")
        try:
            folder.mkdir()
        except FileExistsError:
            count += 1
        else:
            return folder


def _remove(place: Path) -> None:
    """Remove the clean place; the system's own command takes a tenth of the time."""
    if os.name == "posix" and (command := shutil.which("rm")):
        subprocess.run([command, "-rf", "--", str(place)], check=False, capture_output=True)
    shutil.rmtree(place, ignore_errors=True)


def _sources(
    project: Project,
    recorded: Recorded,
    ran: Ran,
    place: Path,
    given: Path | None,
    replayed: Any,
) -> Sources:
    original = (project.root / recorded.notebook).parent
    folders = (
        (str(original), str(project.root)),
        (str(ran.cwd), str(place / "project")),
    )
    executed = ExecutedNotebook.read(ran.executed, folders[1])
    if executed is None:
        raise MlopsError(
            "reproduce.broken-off",
            "The notebook was run again, but left nothing.",
            hint="`--keep` keeps the clean place, to look into.",
            place=Place(recorded.notebook),
        )
    before = _executed_before(project, recorded, given, place)
    one = ExecutedNotebook.read(before, folders[0]) if before is not None else None
    return Sources(recorded, ran.recorded, replayed, (one, executed), folders)


def _executed_before(
    project: Project, recorded: Recorded, given: Path | None, place: Path
) -> Path | None:
    """Return the run's executed notebook: the given one, or what the rerun has kept."""
    if given is not None:
        return given
    path = project.state / "executed" / f"{recorded.run}.ipynb"
    if path.is_file():
        return path
    content = recorded.artifacts.content(path.name) if recorded.artifacts is not None else None
    if content is None:
        return None
    copy = place / "before.ipynb"
    copy.write_bytes(content)
    return copy


def _write(path: Path, content: bytes) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}")
    with explain_os_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            part.write_bytes(content)
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)


def _timed(event: Any, seconds: dict[str, float]) -> Any:
    seconds[event.stage] = event.seconds or 0.0
    return event


def _data_words(found: Sequence[Found]) -> str:
    if not found:
        return "the run has read no files"
    counts = Counter(_STATES[each.state] for each in found)
    return "files: " + ", ".join(f"{count:,} {state}" for state, count in counts.items())
