"""How a reproduction is told, and what evidence says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..project import Project
from .views import Table, View

if TYPE_CHECKING:
    from ..governance.signing import Opened
    from ..reproduction.reproduce import Reproduction

_MOST_ROWS = 20
_LONGEST = 150


def reproduced(found: Reproduction) -> View:
    """Show a reproduction: the verdict, what is not identical, and what to do."""
    from .look.certificate import certificate_page
    from .look.report import write

    facts = found.certificate.predicate()
    page = found.folder / "certificate.html"
    write(certificate_page(facts, map(row, facts["outputs"]), found.key), page)
    project = Project.find(found.folder)
    lines = [facts["summary"], *facts["notes"]]
    lines += [f"Next: {step}" for step in facts["next_steps"]]
    lines += [
        f"evidence: {_shown(project, found.evidence)}, signed with {found.key[:23]}…",
        f"page: {_shown(project, page)}",
    ]
    if found.place is not None:
        lines.append(f"clean place: {_shown(project, found.place)}")
    data = {**found.to_dict(), "page": str(page)}
    return View(lines, _tables(facts["outputs"]), data, exit_code=0 if facts["ok"] else 1)


def verified(opened: Opened, path: Path, *, known: bool) -> View:
    """Show what a whole evidence file says."""
    facts = opened.predicate
    run = facts["run"]
    lines = [f"{path} is as it was written, signed with {opened.fingerprint}."]
    if not known:
        lines.append("Whose key that is it cannot tell: compare the fingerprint, or give `--key`.")
    lines += [
        f"{run['name']} ({run['notebook']}), reproduced by {facts['actor']} at {facts['ended']} "
        f"with {facts['tool']['name']} {facts['tool']['version']}:",
        facts["summary"],
        *facts["notes"],
    ]
    return View(lines, _tables(facts["outputs"]), opened.statement, 0 if facts["ok"] else 1)


def _tables(outputs: Sequence[Mapping[str, Any]]) -> list[Table]:
    rows = [row(each) for each in outputs if each["verdict"] != "identical"]
    if not rows:
        return []
    more = len(rows) - _MOST_ROWS
    title = f"the first {_MOST_ROWS} of {len(rows)}; the page shows all" if more > 0 else ""
    return [Table(title, ("verdict", "output", "where", "what"), rows[:_MOST_ROWS])]


def row(each: Mapping[str, Any]) -> list[Any]:
    """Return verdict, output, place and words of an output."""
    from ..reproduction.outputs import KIND_WORDS

    line = f", line {each['line']}" if each["line"] else ""
    words = each["words"]
    if each["verdict"] == "identical" and each["values"]:
        words = _cut(each["values"][0], 24)
    if each["relative"]:
        words = f"{words} (relative {each['relative']:.1e})" if words else f"{each['relative']:.1e}"
    if each["cause"]:
        words = f"{_cut(words)}; {each['cause']}"
    name = f"{KIND_WORDS[each['kind']]} {each['name']}".strip()
    return [each["verdict"], name, f"{each['cell']}{line}", _cut(words, 2 * _LONGEST)]


def _cut(words: str, longest: int = _LONGEST) -> str:
    return words if len(words) <= longest else f"{words[: longest - 1]}…"


def _shown(project: Project, path: Path) -> str:
    return project.relative(path)
