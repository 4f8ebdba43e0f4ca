"""Which line of a cell is meant by a traceback of IPython.

IPython leaves out blank lines above the first line of code, and runs what stands below a magic such
as ``%%time`` as code of its own, whose lines it counts anew.
"""

from __future__ import annotations

from collections.abc import Sequence

BODIES = ("<timed exec>", "<timed eval>", "<magic-timeit>")
"""How tracebacks call the code below ``%%time`` and ``%%timeit``."""
UNREADABLE = "<unknown>"
"""How they call it where it is no Python; other text that is parsed is called so, too."""


def line_of(source: str, line: int) -> int:
    """Return the line of the cell that IPython calls ``line``."""
    return line + _blank(source.split("\n"))


def line_in_body(source: str, line: int) -> int | None:
    """Return the line of the cell for one of the code below its magic; None where it has none."""
    lines = source.split("\n")
    magic = _blank(lines)
    if not lines[magic].startswith("%%"):
        return None
    return line + magic + 1 + _blank(lines[magic + 1 :])


def _blank(lines: Sequence[str]) -> int:
    return next((number for number, line in enumerate(lines) if line.strip()), 0)
