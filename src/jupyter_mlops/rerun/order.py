"""What a rerun tells its kernel, and how a rerun is stopped from another thread."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._calm import calm
from .._hashes import with_hashes
from ..notebook import moments
from ..notebook.document import Cell, Notebook
from ..notebook.parameters import Parameter, read_parameters
from ..notebook.secret_references import Redactor, resolve
from ..project import Project

if TYPE_CHECKING:
    from ..values import Observation

RUN_VARIABLE = "JUPYTER_MLOPS_RUN"


@dataclass(slots=True)
class Order:
    """One execution of a notebook, asked for by `rerun` or by plain papermill.

    ``flow`` is the file for the observed flow; with it the kernel looks at every variable after
    every cell. ``cwd`` is the kernel's working directory, None for this process's own. ``timeout``
    are the seconds that each cell may take. Cells with a tag of ``without`` are not run.
    ``on_cell`` is called with each original cell before it runs. ``parent`` is the run that this
    one is a part of. ``cells`` is a file with the notebook's cells, where it is in none itself.
    """

    project: Project
    notebook: Notebook
    run: str
    kind: str = "rerun"
    parent: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    observe: tuple[Observation, ...] = ()
    flow: Path | None = None
    without: frozenset[str] = frozenset()
    cwd: Path | None = None
    timeout: float | None = None
    cells: Path | None = None
    on_cell: Callable[[Cell], None] | None = None
    originals: list[Cell] = field(default_factory=list)
    """For each cell of the executed notebook, the one that the user knows."""
    captured: bool = False
    """Whether capture has begun, so that there is a run."""
    stopped: threading.Event = field(default_factory=threading.Event)
    interrupt: Callable[[], None] | None = None
    """Interrupts the running cell; set while a kernel runs."""
    kill: Callable[[], None] | None = None
    """Ends the kernel at once; set while a kernel runs."""

    def declared(self) -> dict[str, Parameter]:
        """Return the notebook's own parameters by name."""
        return {each.name: each for each in read_parameters(self.notebook, computed=True)}

    @property
    def secrets(self) -> dict[str, str]:
        """References to secrets among the parameters, by name."""
        if not self.parameters:
            return {}
        known = self.declared()
        return {
            name: value
            for name, value in self.parameters.items()
            if value is not None and name in known and known[name].secret
        }

    def redactor(self) -> Redactor:
        """Return what keeps the secrets' values out of what is shown and stored."""
        return Redactor(resolve(each) for each in self.secrets.values())

    def environment(self) -> dict[str, str]:
        """Return the kernel's environment: this process's, and what capture needs to know."""
        environment = with_hashes(calm(os.environ))
        # A rerun started from within a step or a notebook is a run of its own.
        environment.pop("JUPYTER_MLOPS_STEP", None)
        notebook = str(self.notebook.path.resolve())
        environment["JPY_SESSION_NAME"] = notebook
        environment["JUPYTER_MLOPS_PROJECT"] = str(self.project.root)
        environment[RUN_VARIABLE] = json.dumps(
            {
                "run": self.run,
                "kind": self.kind,
                "parent": self.parent,
                "notebook": notebook,
                "parameters": moments.plain(dict(self.parameters)),
                "secrets": list(self.secrets.values()),
                "observe": [observation.to_dict() for observation in self.observe],
                "flow": str(self.flow.resolve()) if self.flow is not None else "",
                "cells": str(self.cells.resolve()) if self.cells is not None else "",
            },
            default=repr,
        )
        return environment

    def stop(self) -> None:
        """Interrupt the running cell and let no further cell start; safe from any thread."""
        self.stopped.set()
        if self.interrupt is not None:
            self.interrupt()
