"""The one error of the package: what was wrong, where, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Place:
    """Where something was found.

    ``cell`` is the cell's position in the notebook, counted from 1 over all cells;
    ``line`` counts from 1 within the cell.
    """

    notebook: str | None = None
    cell: int | None = None
    cell_id: str | None = None
    line: int | None = None

    def __str__(self) -> str:
        parts = [
            self.notebook,
            f"cell {self.cell}" if self.cell is not None else None,
            f"line {self.line}" if self.line is not None else None,
        ]
        return ", ".join(part for part in parts if part)

    def to_dict(self) -> dict[str, Any]:
        return {
            "notebook": self.notebook,
            "cell": self.cell,
            "cell_id": self.cell_id,
            "line": self.line,
        }


class MlopsError(Exception):
    """Every error that this package raises on purpose.

    Parameters
    ----------
    code
        A stable, dotted name such as ``notebook.not-json``; scripts may rely on it.
    message
        One sentence that says what was wrong.
    hint
        One sentence that says what to do.
    place
        The notebook, cell and line, where they are known.
    """

    def __init__(
        self, code: str, message: str, *, hint: str = "", place: Place | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.place = place

    def __str__(self) -> str:
        lines = [self.message]
        if self.place is not None and str(self.place):
            lines.append(f"  at {self.place}")
        if self.hint:
            lines.append(f"  to do: {self.hint}")
        return "\n".join(lines)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.code, self.message, self.hint, self.place)

    def _render_traceback_(self) -> list[str]:
        # IPython asks for this instead of printing the stack of our own code.
        place = f" (at {self.place})" if self.place is not None and str(self.place) else ""
        hint = f" To do: {self.hint}" if self.hint else ""
        return [f"{self.code}: {self.message}{place}{hint}"]

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-able form, the same for REST, CLI and the sidebar."""
        return {
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "place": self.place.to_dict() if self.place else None,
        }


def _rebuild(
    kind: type[MlopsError], code: str, message: str, hint: str, place: Place | None
) -> MlopsError:
    return kind(code, message, hint=hint, place=place)
