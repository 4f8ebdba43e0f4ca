"""The messages between server and sidebar; the sidebar's TypeScript is generated from them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue


class Message(BaseModel):
    """A message: unknown fields are refused, so that both sides agree on every name."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_serialization_defaults_required=True
    )


class PlaceMessage(Message):
    """Where something was found; cells and lines count from 1."""

    notebook: str | None = None
    cell: int | None = None
    cell_id: str | None = None
    line: int | None = None


class ErrorMessage(Message):
    """The body of every answer that is not 2xx: what was wrong, where, what to do."""

    code: str
    message: str
    hint: str = ""
    place: PlaceMessage | None = None


class StatusView(Message):
    """What the server is. ``engine`` tells whether a Docker engine seems to be there."""

    version: str
    engine: bool


class CellView(Message):
    """One cell; ``step`` is the step that runs it, ``prelude`` that every step may run it."""

    id: str
    position: int
    kind: Literal["code", "markdown", "raw"]
    tags: list[str]
    first_line: str
    step: str | None = None
    prelude: bool = False


class InputView(Message):
    """A variable that a step reads and the step that provides it."""

    name: str
    provider: str


class NeededView(Message):
    """A cell that runs before a step's own, by its position, and the names it is needed for."""

    cell: int
    names: list[str]


class StepView(Message):
    """One step; ``cells`` are ids, ``upstream`` names the steps that must have ended before."""

    name: str
    cells: list[str]
    first: list[NeededView]
    inputs: list[InputView]
    outputs: list[str]
    parameters: list[str]
    metrics: list[str]
    upstream: list[str]


class ParameterView(Message):
    """A parameter of the notebook; ``default`` is Python source."""

    name: str
    default: str
    type: str
    help: str


class ServingView(Message):
    """What the endpoint will answer with: ``function`` of ``cell``, holding ``state``."""

    function: str
    cell: PlaceMessage
    step: str
    example: str
    state: list[str]


class NoticeView(Message):
    """Something to know of the compilation; never a reason to stop."""

    message: str
    place: PlaceMessage


class PipelineView(Message):
    """What a tagged notebook means."""

    name: str
    notebook: str
    cells: list[CellView]
    parameters: list[ParameterView]
    steps: list[StepView]
    serving: ServingView | None
    notices: list[NoticeView]


class PipelineRequest(Message):
    """Asks what a notebook means as it is in the editor; ``content`` is its nbformat JSON."""

    path: str
    content: dict[str, Any]


class SuggestedTagView(Message):
    """A tag that a cell could have, and why."""

    cell: PlaceMessage
    tag: str
    reason: str


class SuggestionsView(Message):
    """Tags with which a notebook would compile; none where all cells have theirs."""

    notebook: str
    tags: list[SuggestedTagView]


class PromotionRequest(Message):
    """Asks for the promotion of a saved notebook; ``path`` is the contents API's."""

    path: str


class PromotionAccepted(Message):
    """The name under which a promotion can be asked after."""

    id: str


class EventView(Message):
    """One line of progress.

    ``at`` is when it was told, in seconds since the start; ``seconds`` is what a stage took,
    given when it is done.
    """

    stage: str
    message: str
    status: Literal["started", "done", "notice"]
    at: float
    seconds: float | None = None
    data: dict[str, JsonValue] = Field(default_factory=dict)


class ReleaseView(Message):
    """A release in short; ``images`` maps training and serving to image tags, None if local."""

    ref: str
    run: str
    model_version: str | None = None
    images: dict[str, str] | None = None
    target: str = ""
    proof: str = ""
    metrics: dict[str, float] = Field(default_factory=dict)


class PromotionView(Message):
    """A promotion: ``result`` is given when it is done, ``error`` when it failed.

    ``log`` holds the last lines of what the promotion's process said beside its events.
    """

    id: str
    path: str
    status: Literal["running", "done", "failed", "cancelled"]
    seconds: float
    events: list[EventView]
    result: ReleaseView | None = None
    error: ErrorMessage | None = None
    log: str = ""


class PromotionsView(Message):
    """The promotions that this server knows, newest first."""

    promotions: list[PromotionView]


class SweepParameterView(Message):
    """A parameter as a form for sweeps shows it.

    ``allowed`` are its choices or its range in words; ``suggestion`` are words that try these,
    empty where the notebook declares neither.
    """

    name: str
    type: str
    default: str
    allowed: str
    help: str
    secret: bool
    suggestion: str


class SweepFormView(Message):
    """What can be swept in a saved notebook; ``cores`` is how many points run at a time."""

    path: str
    parameters: list[SweepParameterView]
    cores: int


class SweepRequest(Message):
    """Asks for a sweep of a saved notebook, or what it would be.

    ``parameters`` are the words for each parameter, as behind ``-p``; empty words stand for what
    the notebook declares. ``random`` draws so many points.
    """

    path: str
    parameters: dict[str, str]
    metric: str = ""
    highest: bool | None = None
    workers: int | None = Field(default=None, ge=1)
    random: int | None = Field(default=None, ge=1)


class SweepPlanView(Message):
    """What a sweep would be: how many points, or what is wrong with which parameter's words."""

    points: int | None
    fields: dict[str, ErrorMessage]
    error: ErrorMessage | None = None


class SweepRowView(Message):
    """One point; ``executed`` tells whether its executed notebook can be opened."""

    number: int
    parameters: dict[str, JsonValue]
    status: Literal["waiting", "running", "ok", "failed", "pruned"]
    run: str
    metrics: dict[str, float | None]
    seconds: float
    error: str
    executed: bool


class SweepSummaryView(Message):
    """A sweep, or a tuning, in short; ``value`` is the best one of its metric.

    ``started`` is in seconds since the epoch.
    """

    name: str
    kind: Literal["sweep", "tune"]
    path: str
    status: Literal["running", "ok", "failed", "stopped"]
    started: float
    done: int
    total: int
    failed: int
    metric: str
    value: float | None


class SweepView(SweepSummaryView):
    """A sweep with its rows, the running and the best first; ``hidden`` rows are left out.

    ``left`` is about how many seconds the rest takes. ``summary`` tells whether there is a summary
    notebook. ``resume`` is the command that goes on with what has not ended well.
    """

    highest: bool
    swept: list[str]
    rows: list[SweepRowView]
    hidden: int
    best: int | None
    shared: int
    cells: int
    seconds: float
    left: float | None
    summary: bool
    resume: str
    error: ErrorMessage | None = None
    log: str = ""


class SweepsView(Message):
    """The sweeps of one notebook, the newest first, wherever they were started."""

    sweeps: list[SweepSummaryView]


class SweepOpenRequest(Message):
    """Asks for a sweep's summary notebook, or the executed notebook of a point, as a file."""

    path: str
    point: int | None = None


class SweepOpenedView(Message):
    """Where the file is, as the contents API calls it."""

    path: str


MESSAGES: tuple[type[Message], ...] = (
    ErrorMessage,
    StatusView,
    PipelineView,
    PipelineRequest,
    SuggestionsView,
    PromotionRequest,
    PromotionAccepted,
    PromotionView,
    PromotionsView,
    SweepFormView,
    SweepRequest,
    SweepPlanView,
    SweepsView,
    SweepView,
    SweepOpenRequest,
    SweepOpenedView,
)
"""The messages that are sent; the others are parts of them."""
