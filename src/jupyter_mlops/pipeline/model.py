"""Pipeline and Step: what a tagged notebook means, as data."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..errors import Place
from ..notebook.document import Cell
from ..notebook.parameters import Parameter


@dataclass(frozen=True, slots=True)
class Step:
    """A group of cells that runs in one process, verbatim and in notebook order.

    ``prelude`` are the cells tagged ``imports`` and ``functions``: they run first, in every step
    that needs them. ``inputs`` maps each variable to the step that provides it; ``parameters``
    are the pipeline parameters that the step reads; ``outputs`` are the variables that later
    steps read.
    """

    name: str
    cells: tuple[Cell, ...]
    prelude: tuple[Cell, ...] = ()
    inputs: dict[str, str] = field(default_factory=dict)
    parameters: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    """Names assigned in the step's cells tagged ``metrics``."""

    @property
    def upstream(self) -> tuple[str, ...]:
        """Names of the steps that must have ended before this one starts."""
        return tuple(dict.fromkeys((*self.inputs.values(), *self.after)))


@dataclass(frozen=True, slots=True)
class Serving:
    """How a request is answered, read from the cell tagged ``serve``.

    ``source`` is plain Python, made of verbatim statements of the notebook: the imports and
    definitions that the answer needs; it defines ``function``, which takes a frame of rows.
    ``state`` are the variables it needs beside; ``step`` is the step that runs the cell and
    provides ``state``; ``example`` is the expression that gave the notebook's own example rows.
    """

    cell: Cell
    step: str
    source: str
    function: str
    example: str
    state: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the user should know of the compilation; never a reason to stop."""

    message: str
    place: Place


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Steps in the order of the notebook, which is a topological order of their edges."""

    name: str
    notebook: str
    notebook_digest: str
    parameters: tuple[Parameter, ...]
    steps: tuple[Step, ...]
    serving: Serving | None = None
    notices: tuple[Notice, ...] = ()

    def step(self, name: str) -> Step:
        """Return the step of that name; raises `KeyError`."""
        for step in self.steps:
            if step.name == name:
                return step
        raise KeyError(name)
