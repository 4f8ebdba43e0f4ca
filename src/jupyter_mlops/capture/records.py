"""The records of a journal: everything that capture tells of a run, one small message each."""

from __future__ import annotations

from typing import Any

import msgspec

from ..notebook.observed import ObservedCell


class Record(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="record", tag="record"
):
    """``time`` is in seconds since the epoch."""

    time: float


class Start(Record, frozen=True, tag="start"):
    """A run begins.

    ``kind`` is interactive, rerun, promotion or retrain. ``notebook`` is relative to the project's
    root, ``path`` absolute. ``pid`` and ``pid_started`` name the kernel's process for good.
    ``parameters`` are those that a rerun was given, as text. ``parent`` is the run that this one is
    a part of, such as a sweep.
    """

    run: str
    kind: str
    notebook: str
    path: str
    host: str
    pid: int
    pid_started: float
    python: str
    platform: str
    user: str
    parameters: dict[str, str] = msgspec.field(default_factory=dict)
    parent: str = ""


class CellStart(Record, frozen=True, tag="cell-start"):
    """A cell begins; ``order`` counts the executions of the run from 1."""

    order: int
    source: str
    cell: str | None = None
    position: int | None = None
    tags: tuple[str, ...] = ()


class CellEnd(Record, frozen=True, tag="cell-end"):
    """A cell has ended: ``outcome`` is ok, failed, interrupted or pruned.

    ``line`` is where it failed.
    ``reused`` is the run that what it did was taken from, which took ``saved`` seconds there.
    """

    order: int
    seconds: float
    outcome: str
    error: str = ""
    line: int | None = None
    reused: str = ""
    saved: float = 0.0


class Parameter(Record, frozen=True, tag="parameter"):
    """A name that a parameters cell assigned, with its value as text."""

    order: int
    name: str
    value: str


class Metric(Record, frozen=True, tag="metric"):
    """A number that a metrics cell assigned, a scorer gave or `log` was given.

    ``step`` counts the values of this name from 0, unless `log` was told another one.
    """

    order: int
    name: str
    value: float
    step: int


class Frame(Record, frozen=True, tag="frame"):
    """A pandas DataFrame that a cell bound or changed; ``columns`` are (name, dtype) pairs."""

    order: int
    name: str
    rows: int
    columns: tuple[tuple[str, str], ...]
    fingerprint: str
    bytes: int
    source: str = ""


class Dataset(Record, frozen=True, tag="dataset"):
    """Data that a cell has read, wherever it went: ``kind`` is file, sql or package.

    ``source`` is a path, an address or what names the data in a package, without secrets; ``query``
    what was asked of a database. ``name`` tells it apart from the run's other data.
    """

    order: int
    name: str
    kind: str
    source: str
    fingerprint: str = ""
    bytes: int | None = None
    rows: int | None = None
    columns: int | None = None
    query: str = ""


class Seed(Record, frozen=True, tag="seed"):
    """A literal seed of random numbers that a cell has set: ``np.random.seed`` and ``0``."""

    order: int
    what: str
    value: str


class Call(Record, frozen=True, tag="call"):
    """How a metric came to its value: ``accuracy_score(y_true=y_test, y_pred=predicted)``."""

    order: int
    metric: str
    command: str


class Shown(Record, frozen=True, tag="shown"):
    """A figure or table that a cell displayed, kept as ``file`` in the journal's folder.

    ``number`` counts those of one execution from 1. ``file`` is empty where it was too large.
    """

    order: int
    number: int
    kind: str
    mime: str
    bytes: int
    digest: str
    file: str = ""
    rows: int | None = None
    columns: int | None = None


class Flow(Record, frozen=True, tag="flow"):
    """What a cell that did not fail was seen to do to the variables."""

    order: int
    flow: ObservedCell


class Model(Record, frozen=True, tag="model"):
    """An estimator that a cell fitted, kept as ``file`` in the journal's folder.

    ``sample`` is a file with a few rows of what it was fitted on, empty where they are not known.
    ``modules`` are the top-level modules of its parts.
    """

    order: int
    name: str
    type: str
    file: str
    digest: str
    bytes: int
    predicts: bool
    regressor: bool
    modules: tuple[str, ...]
    sample: str = ""


class EstimatorParameters(Record, frozen=True, tag="estimator-parameters"):
    """``get_params(deep=True)`` of a fitted estimator, as text."""

    order: int
    name: str
    digest: str
    values: dict[str, str]


class Environment(Record, frozen=True, tag="environment"):
    """The installed distributions, normalised name to version."""

    distributions: dict[str, str]
    local: tuple[str, ...] = ()


class Git(Record, frozen=True, tag="git"):
    """Commit and branch of the project; ``diff`` is a file in the journal's folder, or empty."""

    commit: str
    branch: str
    dirty: bool
    untracked: tuple[str, ...] = ()
    diff: str = ""


class Note(Record, frozen=True, tag="note"):
    """Words about the run: ``kind`` is ``problem`` where capture could not record something."""

    kind: str
    text: str
    data: dict[str, Any] = msgspec.field(default_factory=dict)


class Tag(Record, frozen=True, tag="tag"):
    """A word, or a name and a value, that the user gave the run to find it by."""

    key: str
    value: str


class End(Record, frozen=True, tag="end"):
    """The run is over; ``status`` is one of MLflow's: FINISHED, FAILED or KILLED."""

    status: str


AnyRecord = (
    Start
    | CellStart
    | CellEnd
    | Parameter
    | Metric
    | Frame
    | Dataset
    | Seed
    | Call
    | Shown
    | Flow
    | Model
    | EstimatorParameters
    | Environment
    | Git
    | Note
    | Tag
    | End
)
