"""Redaction: secrets that known patterns or names give away never reach the journal.

What a pattern or a name has given away once is known by its value from then on, wherever it turns
up: in what a cell prints, in an error, in a table.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from ..notebook.secret_names import HINTS as _HINTS
from ..notebook.secret_names import NAMES as _NAMES
from ..notebook.secret_names import is_secret_name
from ..notebook.secret_references import Redactor

MARK = "[redacted]"

_BEFORE = re.compile(r"[\w-]*\Z")


class _Pattern(NamedTuple):
    """What stands before the secret is group 1, what stands behind it group 2.

    The pattern is tried only where one of ``hints`` is in the text, in lower case.
    """

    hints: tuple[str, ...]
    expression: str
    flags: int


def _pattern(hints: str | tuple[str, ...], expression: str, *, case: bool = True) -> _Pattern:
    flags = re.MULTILINE | (0 if case else re.IGNORECASE)
    return _Pattern((hints,) if isinstance(hints, str) else hints, expression, flags)


_QUOTED = r"[rbfu]{0,2}\\?[\"']"
_PATTERNS = [
    # Private keys, with the lines of a diff before each line.
    _pattern(
        "-----begin",
        r"(-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----)[\s\S]*?"
        r"(-----END [A-Z ]*PRIVATE KEY(?: BLOCK)?-----|\Z)",
    ),
    # name = """…""" and name = "…", "name": "…", name="…"; in JSON with escaped quotes.
    _pattern(
        _HINTS,
        rf"({_NAMES}(?:\\?[\"'])?(?:\])?\s*(?::\s*\w+\s*)?[=:]\s*[rbfu]{{0,2}}(?P<three>\"\"\"|'''))"
        r"[\s\S]+?((?P=three))",
        case=False,
    ),
    _pattern(
        _HINTS,
        rf"({_NAMES}(?:\\?[\"'])?(?:\])?\s*(?::\s*[\w.\[\]| ]+\s*)?[=:]\s*\(?\s*{_QUOTED})"
        r"(?!\"\"|'')[^\"'\\\n]+(\\?[\"'])",
        case=False,
    ),
    # os.getenv("NAME", "…"), environ.setdefault("NAME", "…")
    _pattern(
        _HINTS,
        rf"((?:get|getenv|setdefault|setenv|putenv|set_key|add)\(\s*\\?[\"'][\w-]*?{_NAMES}"
        rf"\\?[\"']\s*,\s*{_QUOTED})[^\"'\\\n]+(\\?[\"'])",
        case=False,
    ),
    # auth=("user", "…"), HTTPBasicAuth("user", "…"), login(key="…")
    _pattern(
        "auth",
        rf"((?:auth\s*=\s*|auth)\(\s*{_QUOTED}[^\"'\n]*[\"']\s*,\s*{_QUOTED})"
        r"[^\"'\\\n]+(\\?[\"'])",
        case=False,
    ),
    _pattern("login", rf"(login\([^)\n]*?key\s*=\s*{_QUOTED})[^\"'\\\n]+(\\?[\"'])", case=False),
    # NAME=value as in .env files, YAML and command lines; words of code are no values.
    _pattern(
        _HINTS,
        rf"(^[+\- ]?\s*(?:export\s+|[%!]\w+\s+)?[\w-]*?{_NAMES}\s*[=:]\s*)"
        r"(?=\S*\d)[^\s\"'()\[\]{},]{8,}()$",
        case=False,
    ),
    _pattern("--", rf"(\s--[\w-]*?{_NAMES}[= ])[^\s\"'$][^\s\"']{{5,}}()", case=False),
    # Server=…;Password=…; and what storage accounts have.
    _pattern(
        ";",
        r"((?:password|pwd|accountkey|sharedaccesskey|sharedaccesssignature)\s*=)[^;\"'\s]+()",
        case=False,
    ),
    # A password may hold what an address does not; a port is none.
    _pattern(
        "://",
        r"(\b[a-z][a-z0-9+.-]*://[^\s/:@\"']*:)(?!\d{1,5}[/?])[^\s\"'/@][^\s\"']*(@)",
        case=False,
    ),
    _pattern("://", r"(\b[a-z][a-z0-9+.-]*://)(?=[^\s/@\"']*\d)[\w.~%+-]{20,}(@)", case=False),
    # Addresses that are signed.
    _pattern(
        ("?", "&"),
        r"([?&](?:sig|signature|token|key|apikey|api_key|auth|code|x-amz-signature|x-amz-credential"
        r"|x-amz-security-token|x-goog-signature|access_token|refresh_token|client_secret|password)"
        r"=)(?![\[{$])[^\s&\"'#]{8,}()",
        case=False,
    ),
    _pattern("hooks.slack.com", r"(hooks\.slack\.com/(?:services|workflows)/)[\w/]+()"),
    _pattern("/webhooks/", r"(/webhooks/\d+/)[\w-]{20,}()"),
    _pattern(
        ("authorization", "bearer"),
        r"(\b(?:authorization|bearer)[\"']?\s*[:=]?\s*[\"']?(?:bearer|basic|token)?\s+)"
        r"[A-Za-z0-9._~+/=-]{16,}()",
        case=False,
    ),
    _pattern("basic ", r"(\bbasic\s+)(?=[A-Za-z+/]*\d)[A-Za-z0-9+/]{12,}={0,2}()", case=False),
    _pattern(("akia", "asia", "abia", "acca"), r"(\b)(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b()"),
    _pattern(("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), r"(\b)gh[pousr]_[A-Za-z0-9]{30,}()"),
    _pattern("github_pat_", r"(\b)github_pat_[A-Za-z0-9_]{30,}()"),
    _pattern(("glpat-", "gldt-", "glrt-"), r"(\b)gl(?:pat|dt|rt)-[A-Za-z0-9_.-]{20,}()"),
    _pattern("xox", r"(\b)xox[abceoprs]-[A-Za-z0-9-]{10,}()"),
    _pattern("xapp-", r"(\b)xapp-[A-Za-z0-9-]{10,}()"),
    _pattern("sk-", r"(\b)sk-[A-Za-z0-9_-]{20,}()"),
    _pattern(("_live_", "_test_"), r"(\b)[sr]k_(?:live|test)_[A-Za-z0-9]{16,}()"),
    _pattern("whsec_", r"(\b)whsec_[A-Za-z0-9+/=]{20,}()"),
    _pattern("hf_", r"(\b)hf_[A-Za-z0-9]{30,}()"),
    _pattern("aiza", r"(\b)AIza[A-Za-z0-9_-]{35}()"),
    _pattern("ya29.", r"(\b)ya29\.[A-Za-z0-9_-]{20,}()"),
    _pattern("gocspx-", r"(\b)GOCSPX-[A-Za-z0-9_-]{20,}()"),
    _pattern("8q~", r"()[A-Za-z0-9_~.-]{3}8Q~[A-Za-z0-9_~.-]{31,34}()"),
    _pattern("npm_", r"(\b)npm_[A-Za-z0-9]{36}()"),
    _pattern("pypi-", r"(\b)pypi-[A-Za-z0-9_-]{50,}()"),
    _pattern("dckr_pat_", r"(\b)dckr_pat_[A-Za-z0-9_-]{20,}()"),
    _pattern("sg.", r"(\b)SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{30,}()"),
    _pattern("dapi", r"(\b)dapi[0-9a-f]{32}()"),
    _pattern("hvs.", r"(\b)hvs\.[A-Za-z0-9_-]{20,}()"),
    _pattern("_v1_", r"(\b)do[opr]_v1_[0-9a-f]{40,}()"),
    _pattern(":aa", r"(\b)\d{8,10}:AA[A-Za-z0-9_-]{33}()"),
    _pattern(
        "eyj", r"(\b)eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]+()"
    ),
]  # fmt: skip

# name = ["…", "…"]: each of the quoted values is a secret.
_LISTED = re.compile(
    rf"({_NAMES}(?:\\?[\"'])?(?:\])?\s*(?::\s*[\w.\[\]| ]+\s*)?[=:]\s*)"
    r"([\[({][^\[\](){}]{1,4000}[\])}])",
    re.IGNORECASE,
)
_BY_HINTS: dict[tuple[str, ...], list[_Pattern]] = {}
for _each in _PATTERNS:
    _BY_HINTS.setdefault(_each.hints, []).append(_each)

_VALUE = re.compile(r"(\\?[\"'])([^\"'\\\n]+)(\\?[\"'])")

_known: set[str] = set()
_given = Redactor(())
"""Knows the secrets that a run was given by reference."""
_MOST_KNOWN = 500


def redact(text: str) -> str:
    """Return ``text`` with every known form of a secret replaced by ``[redacted]``."""
    text = _given.text(text)
    for value in _known:
        if value in text:
            text = text.replace(value, MARK)
    for expression in _worth_a_look(text):
        text = expression.sub(_replaced, text)
    if any(hint in text.lower() for hint in _HINTS):
        text = _LISTED.sub(_listed, text)
    return text


def _worth_a_look(text: str) -> Iterator[re.Pattern[str]]:
    """Yield the expressions that may find something: most texts hold nothing that hints at it."""
    lower = text.lower()
    for hints, patterns in _BY_HINTS.items():
        for hint in hints:
            if hint in lower:
                yield from map(_compiled, patterns)
                break


@cache
def _compiled(pattern: _Pattern) -> re.Pattern[str]:
    # Not before it is needed: all of them take as long as the rest of loading capture.
    return re.compile(pattern.expression, pattern.flags)


def learn(text: str) -> None:
    """Know the secrets in a text by their values from now on."""
    for _, secret in secrets(text):
        _know(secret)


def learn_secrets(values: Iterable[str]) -> None:
    """Know what are secrets beyond doubt, however ordinary they look."""
    global _given
    _given = Redactor(values)


def learn_values(values: Mapping[str, object] | Iterable[tuple[str, object]]) -> None:
    """Know the values of variables whose names are those of secrets."""
    for name, value in values.items() if isinstance(values, Mapping) else values:
        if type(value) is str and value and is_secret_name(name):
            _know(value)


def secrets(text: str) -> Iterator[tuple[str, str]]:
    """Yield each secret with what stands before it, such as ``password = "``."""
    for expression in _worth_a_look(text):
        for match in expression.finditer(text):
            found = match.group(1)
            start = match.start() + len(found)
            name = _BEFORE.search(text, 0, match.start())
            before = (name.group() if name is not None else "") + found
            yield before, text[start : match.end() - len(match.group(match.re.groups))]


def redact_value(name: str, text: str) -> str:
    """Return the value of a variable as it may be stored: not at all if its name is a secret's."""
    if text and is_secret_name(name):
        return MARK
    return redact(text)


def redact_all(value: object, name: str = "") -> Any:
    """Return what JSON can hold with all texts in it as `redact_value` returns them."""
    if isinstance(value, str):
        return redact_value(name, value)
    if isinstance(value, dict):
        return {redact(str(key)): redact_all(each, str(key)) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [redact_all(each, name) for each in value]
    return value


def _replaced(match: re.Match[str]) -> str:
    return f"{match.group(1)}{MARK}{match.group(match.re.groups)}"


def _listed(match: re.Match[str]) -> str:
    return match.group(1) + _VALUE.sub(rf"\g<1>{MARK}\g<3>", match.group(2))


def _know(value: str) -> None:
    """Keep a value that is no ordinary word: others would be replaced wherever they stand."""
    value = value.strip()
    mixed = any(c.isdigit() for c in value) and any(c.isalpha() for c in value)
    if (
        len(_known) < _MOST_KNOWN
        and " " not in value
        and ((len(value) >= 8 and mixed) or len(value) >= 16)
        and MARK not in value
    ):
        _known.add(value)
