"""The environment variables that code reads: they decide what it does, as inputs do."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping

_READS = re.compile(
    r"""environ\b(?:\s*\[\s*|\.(?:get|pop|setdefault)\s*\(\s*)(?P<item>['"]\w+['"])
    |getenv\s*\(\s*(?P<call>['"]\w+['"])
    |^\s*%env\s+(?P<magic>\w+)\s*$""",
    re.VERBOSE | re.MULTILINE,
)
_MENTIONS = re.compile(r"\benviron\b|\bgetenv\b|^\s*%env\b", re.MULTILINE)
_OF_THE_MOMENT = re.compile(
    r"_|PWD|OLDPWD|SHLVL|COLUMNS|LINES|TERM.*|SSH_.*|XDG_.*|JPY_.*|JUPYTER_.*|MLOPS_.*|"
    r"MPLBACKEND|KERNEL_.*|PYTEST_.*|WINDOWID|DISPLAY|INVOCATION_ID"
)
"""Variables that differ between terminals, and that whole-environment reads do not mean."""


def variables_read(
    sources: Iterable[str], environment: Mapping[str, str] | None = None
) -> dict[str, str | None]:
    """Return the variables that code reads with their values, None for those that are not set.

    Where a name is not written out, as in ``os.environ[name]``, all of them count but for those
    of the terminal.
    """
    known = os.environ if environment is None else environment
    found: dict[str, str | None] = {}
    for source in sources:
        if not _MENTIONS.search(source):
            continue
        matches = list(_READS.finditer(source))
        for match in matches:
            name = (match["item"] or match["call"] or match["magic"]).strip("'\"")
            found[name] = known.get(name)
        if len(_MENTIONS.findall(source)) > len(matches):
            found |= {n: v for n, v in known.items() if not _OF_THE_MOMENT.fullmatch(n)}
    return found
