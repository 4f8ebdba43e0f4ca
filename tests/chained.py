"""Chains for tests: that of the documentation, and one whose notebooks tell when they ran."""

from __future__ import annotations

import re
from pathlib import Path

from tests.support import write_notebook

DOCS = Path(__file__).resolve().parent.parent / "docs" / "chains.md"


def write_documented(folder: Path) -> None:
    """Write ``mlops.toml`` and the notebooks of ``docs/chains.md``, word for word."""
    text = DOCS.read_text(encoding="utf-8")
    (toml,) = re.findall(r"^```toml\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    (folder / "mlops.toml").write_text(toml)
    blocks = re.findall(r"^`(\w+\.ipynb)`.*?^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    for name, script in blocks:
        write_notebook(folder / name, cells_of(script))


def cells_of(script: str) -> list[tuple[str, str]]:
    """Return the cells of a script in the percent format, with their tags."""
    parts = re.split(r"^# %%(.*)\n", script, flags=re.MULTILINE)
    return [
        (tags.strip(), source.strip())
        for tags, source in zip(parts[1::2], parts[2::2], strict=True)
    ]


DIAMOND = """
[[pipeline]]
name = "diamond"
[[pipeline.notebook]]
path = "prepare.ipynb"
[[pipeline.notebook]]
path = "left.ipynb"
parameters = { number = "${prepare.number}", fails = 0 }
[[pipeline.notebook]]
path = "right.ipynb"
parameters = { number = "${prepare.number}" }
[[pipeline.notebook]]
path = "report.ipynb"
parameters = { both = ["${left.twice}", "${right.thrice}"] }
"""
_TELL = "with open('ran.txt', 'a') as file:\n    file.write('{0} ')"


def write_diamond(folder: Path, *, left: str = "", right: str = "", toml: str = DIAMOND) -> None:
    """Write four notebooks, each of which adds its name to ``ran.txt``.

    ``left`` and ``right`` are the code of a cell in the notebooks of these names.
    """
    (folder / "mlops.toml").write_text(toml)
    books = {
        "prepare": [("parameters", "start = 20"), ("", "number = start + 1")],
        "left": [
            ("parameters", "number: int = 0\nfails = 0"),
            ("", left or "x = 1 / (1 - fails)"),
            ("", "twice = number * 2"),
        ],
        "right": [
            ("parameters", "number: int = 0"),
            ("", right or "pass"),
            ("metrics", "thrice = number * 3"),
        ],
        "report": [("parameters", "both: list = []"), ("metrics", "total = sum(both)")],
    }
    for name, cells in books.items():
        write_notebook(folder / f"{name}.ipynb", [*cells, ("", _TELL.format(name))])


def ran(folder: Path) -> list[str]:
    """Return the notebooks that have run to their last cell, in that order."""
    try:
        return (folder / "ran.txt").read_text().split()
    except FileNotFoundError:
        return []
