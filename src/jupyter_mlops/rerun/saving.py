"""When the executed notebook is saved: so often that little is lost, so seldom that it is cheap."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from papermill.engines import NotebookExecutionManager

from ..errors import MlopsError
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
    kept: str | None = None
    """Where the executed notebook is kept too; empty before it is, None where nowhere else."""
    redactor = Redactor(())
    _due = 0.0
    _is_behind = False
    _is_lost = False

    def save(self, **changed: Any) -> None:
        """Save the notebook; raises ``rerun.not-saved``, or `OSError` with ``kept`` None."""
        if self._is_lost:
            return
        start = time.monotonic()
        self._redact()
        try:
            super().save(**changed)
        except OSError as error:
            if self.kept is None:
                raise
            self._is_lost = True
            reason = error.strerror or str(error).rstrip(".")
            raise MlopsError(
                "rerun.not-saved",
                f"The executed notebook cannot be written to {self.output_path}: {reason}.",
                hint=f"what has been run so far is kept as {self.kept}."
                if self.kept
                else "nothing has been run: choose another place.",
            ) from error
        end = time.monotonic()
        self._is_behind = False
        self._due = end + max(_INTERVAL, (end - start) / _SHARE)

    async def save_late(self) -> None:
        """Make up for a save that was spared, once it is due: the next cell may run for hours."""
        if self._is_behind:
            await asyncio.sleep(max(0.0, self._due - time.monotonic()))
            self.save()

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
            if self.output_path is None and path is not None:
                self._is_behind = True
                # papermill "saved" to nowhere: the next save is as due as before.
                self._due = due
            self.output_path = path
