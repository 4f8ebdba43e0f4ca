"""The record of a chain's run: written whenever something has changed, so that a kill loses little.

It lies in ``.mlops/chains/<chain>/<run>/run.json``. What a finished notebook gave stands in it as
JSON, never as something that would have to be loaded.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from ..errors import MlopsError, Place
from ..notebook.document import Notebook
from ..notebook.moments import plain
from ..os_errors import explain_os_errors
from ..project import Project, held
from .handing import Refused, encoded

FOLDER = "chains"
_RECORD = "run.json"
_LOCK = "lock"
_FILES = "files"

Status = Literal["running", "ok", "failed", "killed"]
NodeStatus = Literal["waiting", "running", "ok", "failed", "left", "stopped"]
"""``left``: a notebook that it waits for has failed. ``stopped``: interrupted, or given up."""


@dataclass(slots=True)
class NodeRun:
    """What became of one notebook; ``run`` is its run in the store.

    ``outputs`` are what `handing.handed` gave, by `Wanted.key`, and ``key`` is the digest of the
    notebook and its parameters. ``reused`` tells that an earlier run of the chain had run it.
    """

    notebook: str
    status: NodeStatus = "waiting"
    run: str = ""
    executed: str = ""
    seconds: float = 0.0
    key: str = ""
    outputs: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    reused: bool = False
    error: dict[str, Any] | None = None


@dataclass(slots=True)
class ChainRun:
    """A run of a chain: its nodes, and how it ended.

    ``parameters`` are those given beside ``mlops.toml``, by node. ``earlier`` is the run that this
    one went on from.
    """

    name: str
    chain: str
    started: str
    folder: Path
    parameters: dict[str, dict[str, Any]] = field(default_factory=dict)
    earlier: str = ""
    status: Status = "running"
    seconds: float = 0.0
    nodes: dict[str, NodeRun] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-able form; without what was handed on, which is for the next run only."""
        content: dict[str, Any] = plain({**asdict(self), "folder": str(self.folder)})
        for node in content["nodes"].values():
            del node["outputs"], node["key"]
        return content

    def save(self) -> None:
        """Write the record, at once; raises `MlopsError` ``project.disk-full`` and the like."""
        path = self.folder / _RECORD
        with explain_os_errors(self.folder):
            part = path.with_name(f".{path.name}.tmp")
            content = plain({**asdict(self), "folder": ""})
            part.write_text(json.dumps(content, indent=1, default=repr), encoding="utf-8")
            os.replace(part, path)

    def is_held(self) -> bool:
        """Tell whether a process runs it."""
        try:
            with self.held():
                return False
        except MlopsError:
            return True

    def held(self) -> AbstractContextManager[None]:
        """Keep others from going on from this run while it runs; raises ``chain.running``."""
        busy = MlopsError(
            "chain.running",
            f"The run {self.name} of the pipeline `{self.chain}` has not ended.",
            hint="wait until it has, or end it.",
        )
        return held(self.folder / _LOCK, busy)


def begin(project: Project, chain: str, name: str) -> ChainRun:
    """Return the record of a new run, with a folder of its own."""
    started = datetime.now(UTC).isoformat(timespec="milliseconds")
    return ChainRun(name, chain, started, project.folder(FOLDER, chain, name))


def chain_runs(project: Project, chain: str) -> list[ChainRun]:
    """Return the runs of a chain, newest first."""
    found = map(_read, (project.state / FOLDER / chain).glob(f"*/{_RECORD}"))
    return sorted((r for r in found if r is not None), key=lambda r: r.started, reverse=True)


def handed_files(project: Project, chain: str, node: str) -> Path:
    """Return the folder of the tables that a node of a chain hands on as files."""
    return project.state / FOLDER / chain / _FILES / node


def superseded(project: Project) -> Iterator[Path]:
    """Yield what nobody goes on from: all runs but the newest of each chain, and their files."""
    for folder in sorted((project.state / FOLDER).glob("*")):
        records = chain_runs(project, folder.name)
        yield from (each.folder for each in records[1:] if not each.is_held())
        texts = [(each.folder / _RECORD).read_text(encoding="utf-8") for each in records]
        for path in sorted((folder / _FILES).glob("*/*")):
            if not any(path.name in text for text in texts):
                yield path


def unfinished(project: Project, chain: str, ref: str) -> ChainRun:
    """Return the run to go on from: by name, unique prefix, or ``latest``.

    Raises `MlopsError` ``run.unknown``, and ``run.nothing-failed`` where all have ended well.
    """
    known = chain_runs(project, chain)
    if ref == "latest":
        ended_well = {each.earlier for each in known if each.status == "ok"}
        for each in known:
            if each.status != "ok" and each.name not in ended_well:
                return each
        raise MlopsError(
            "run.nothing-failed",
            f"No run of the pipeline `{chain}` has failed.",
            hint="run it without `--resume`.",
        )
    found = [r for r in known if r.name == ref] or [r for r in known if r.name.startswith(ref)]
    if len(found) == 1:
        return found[0]
    names = ", ".join(each.name for each in (found or known)[:5])
    raise MlopsError(
        "run.unknown",
        f"`{ref}` names {'more than one run' if found else 'no run'} of the pipeline `{chain}`.",
        hint=f"the newest are: {names}." if names else f"`jupyter mlops run {chain}` makes one.",
        place=Place(str(project.root)),
    )


def node_key(notebook: Notebook, parameters: Mapping[str, Any]) -> str:
    """Return the digest of what decides what a notebook gives; its values are not to be read."""
    values = {name: _encoded(value) for name, value in parameters.items()}
    content = json.dumps([notebook.digest(), notebook.kernel, values], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def _encoded(value: Any) -> Any:
    try:
        return encoded(value)
    except Refused:
        return repr(value)  # a Python program may give what no file says


def _read(path: Path) -> ChainRun | None:
    known = {each.name for each in fields(NodeRun)}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        nodes = {
            name: NodeRun(**{k: v for k, v in node.items() if k in known})
            for name, node in content["nodes"].items()
        }
        found = ChainRun(**{**content, "folder": path.parent, "nodes": nodes})
        if found.status == "running" and not found.is_held():
            found.status = "killed"
        return found
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
