"""Is this notebook ready for production? All rules, all findings, none run twice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..capture.redaction import redact
from ..errors import MlopsError, Place
from ..notebook.document import Notebook, parse
from .context import Context
from .finding import SEVERITIES, Finding, Severity
from .rule import Rule, all_rules, chosen
from .suppression import ALL, Suppression

if TYPE_CHECKING:
    from ..notebook.ghosts import KernelState

UNREADABLE = "unreadable"
"""The rule of a file that is no notebook; it cannot be ignored."""


@dataclass(frozen=True, slots=True)
class Report:
    """What was found in one notebook, in the order of its cells.

    ``suppressed`` is the number of findings that comments or settings ask to ignore.
    """

    notebook: str
    findings: tuple[Finding, ...]
    suppressed: int = 0
    path: Path | None = None

    @property
    def ok(self) -> bool:
        """Whether nothing found is an error."""
        return not self.count("error")

    def count(self, severity: Severity) -> int:
        return sum(finding.severity == severity for finding in self.findings)

    def passes(self, *, strict: bool = False) -> bool:
        """Tell whether CI should go on; where ``strict``, warnings stop it too."""
        return self.ok and not (strict and self.count("warning"))

    def to_dict(self) -> dict[str, Any]:
        return {
            "notebook": self.notebook,
            "ok": self.ok,
            "counts": {severity: self.count(severity) for severity in SEVERITIES},
            "suppressed": self.suppressed,
            "findings": [finding.to_dict() for finding in self.findings],
        }


def check(
    notebook: Notebook,
    *,
    kernel: KernelState | None = None,
    ignore: Iterable[str] = (),
    only: Iterable[str] = (),
    text: str | None = None,
) -> Report:
    """Look for everything that would keep a notebook from production, or spoil it there.

    Nothing of the notebook is run, and nothing it imports is imported.

    Parameters
    ----------
    kernel
        The state of the kernel in which the notebook is open, where there is one.
    ignore, only
        Ids of rules to leave out, or to confine the check to.
    text
        The text of the notebook's file; it is read where it is not given.

    Raises
    ------
    MlopsError
        ``check.unknown-rule``, ``check.rule-broken`` or ``check.two-rules``.
    """
    rules = all_rules()
    left_out, wanted = chosen(ignore, rules), chosen(only, rules)
    context = Context(notebook, text if text is not None else _text(notebook.path), kernel)
    suppression = Suppression.read(notebook.code_cells, context.codes)
    kept: list[Finding] = []
    suppressed = 0
    for rule in rules.values():
        if wanted and rule.id not in wanted:
            continue
        for finding in dict.fromkeys(_findings(rule, context)):
            if rule.id in left_out or suppression.covers(finding):
                suppressed += 1
            else:
                kept.append(finding)
    kept += _unknown_names(suppression, rules, notebook)
    return Report(notebook.name, tuple(sorted(kept, key=_order)), suppressed, notebook.path)


def check_file(
    path: Path,
    *,
    name: str | None = None,
    kernel: KernelState | None = None,
    ignore: Iterable[str] = (),
    only: Iterable[str] = (),
) -> Report:
    """Check a notebook file; one that cannot be read is reported as such.

    Raises `MlopsError` ``notebook.missing``, and as `check` does.
    """
    name = name or path.as_posix()
    if not path.exists():
        raise MlopsError(
            "notebook.missing",
            "There is no such notebook.",
            hint="check the path.",
            place=Place(name),
        )
    try:
        text = path.read_text(encoding="utf-8")
        notebook = parse(text, path=path, name=name)
    except (MlopsError, OSError, UnicodeDecodeError) as error:
        return Report(name, (_unreadable(error, name),), path=path)
    return check(notebook, kernel=kernel, ignore=ignore, only=only, text=text)


def _findings(rule: Rule, context: Context) -> Iterator[Finding]:
    try:
        for finding in rule.check(context):
            # Messages quote the notebook, and go where its secrets must not.
            yield replace(finding, message=redact(finding.message))
    except Exception as error:
        # One broken rule must not hide what the others find.
        yield Finding(
            rule.id,
            "error",
            f"The rule itself failed: {type(error).__name__}: {error}",
            "What it looks for is not known.",
            f"report it, and pass by with `ignore = [{rule.id!r}]` under `[check]` in mlops.toml.",
            context.notebook.place(),
        )


def _unknown_names(
    suppression: Suppression, rules: dict[str, Rule], notebook: Notebook
) -> Iterator[Finding]:
    for comment in suppression.comments:
        for name in sorted(comment.rules - {ALL} - set(rules)):
            try:
                chosen([name], rules)
            except MlopsError as error:
                yield Finding(
                    "unknown-rule",
                    "warning",
                    f"the comment ignores `{name}`, which is no rule",
                    "It ignores nothing.",
                    error.hint,
                    notebook.place(comment.cell, comment.line),
                )


def _unreadable(error: Exception, name: str) -> Finding:
    severity: Severity = "error"
    if isinstance(error, MlopsError):
        # A page of text, or of another language, is no mistake.
        if error.code in ("notebook.empty", "notebook.language"):
            severity = "note"
        message, fix, place = error.message, error.hint, error.place or Place(name)
    else:
        message = f"The notebook cannot be read: {type(error).__name__}."
        fix, place = "give the path of an .ipynb file that you may read.", Place(name)
    return Finding(UNREADABLE, severity, message, "Nothing can be made of it.", fix, place)


def _order(finding: Finding) -> tuple[int, int, int, str]:
    place = finding.place
    severity = SEVERITIES.index(finding.severity)
    return (place.cell or 0, place.line or 0, severity, finding.rule)


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
