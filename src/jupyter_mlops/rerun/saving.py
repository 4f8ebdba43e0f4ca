"""When the executed notebook is saved: so often that little is lost, so seldom that it is cheap."""

from __future__ import annotations

import time
from typing import Any

from papermill.engines import NotebookExecutionManager

from ..notebook.secret_references import Redactor

_INTERVAL = 1.0
_SHARE = 0.05


class SparingManager(NotebookExecutionManager):  # type: ignore[misc]
    """papermill's manager, with a save around a cell only where one is due.

    A save writes the whole notebook, so papermill's two saves per cell grow with the square of
    the outputs. Here saves take at most a twentieth of the time, one second apart or more; the
    start and the end are always saved.
    """

    output_path: str | None
    redactor = Redactor(())
    _due = 0.0

    def save(self, **changed: Any) -> None:
        start = time.monotonic()
        self._redact()
        super().save(**changed)
        end = time.monotonic()
        self._due = end + max(_INTERVAL, (end - start) / _SHARE)

    def _redact(self) -> None:
        """Take out secrets that came in two parts: one output of text follows another."""
        if not self.redactor:
            return
        for cell in self.nb.cells:
            joined: Any = None
            for output in list(cell.get("outputs", ())):
                if output.output_type != "stream":
                    joined = None
                elif joined is None or joined.name != output.name:
                    joined = output
                elif self.redactor.text(text := joined.text + output.text) != text:
                    joined.text = self.redactor.text(text)
                    cell.outputs.remove(output)
                else:
                    joined = output

    def cell_start(self, cell: Any, cell_index: int | None = None, **changed: Any) -> None:
        self._sparingly(super().cell_start, cell, cell_index, **changed)

    def cell_complete(self, cell: Any, cell_index: int | None = None, **changed: Any) -> None:
        self._sparingly(super().cell_complete, cell, cell_index, **changed)

    def _sparingly(self, report: Any, *arguments: Any, **changed: Any) -> None:
        path = self.output_path
        if time.monotonic() < self._due:
            self.output_path = None
        due = self._due
        try:
            report(*arguments, **changed)
        finally:
            if self.output_path is None:
                # papermill "saved" to nowhere: the next save is as due as before.
                self._due = due
            self.output_path = path
