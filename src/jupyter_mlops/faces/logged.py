"""``%mlops log loss=history[-1] val/loss=x step=3``: names and Python expressions, told apart."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..errors import MlopsError

STEP = "step"
_NAME = re.compile(r"([^\W\d][\w./-]*)\s?=(?!=)")
_OPEN, _CLOSE = "([{", ")]}"
_HINT = "write for example `%mlops log loss=0.3` or `%mlops log loss=history[-1] step=epoch`."


def read_line(line: str) -> dict[str, str]:
    """Return the expressions of a line by their names; raises `MlopsError` ``log.form``.

    A name begins where no bracket and no string is open; a comma between two is welcome.
    """
    starts = _starts(line)
    if not starts or line[: starts[0].start()].strip(" ,"):
        wrong = line.strip()
        what = f"`{wrong}` is not of the form NAME=VALUE." if wrong else "There is no value to log."
        raise MlopsError("log.form", what, hint=_HINT)
    found: dict[str, str] = {}
    for match, after in zip(starts, [*starts[1:], None], strict=True):
        end = after.start() if after is not None else len(line)
        expression = line[match.end() : end].strip().rstrip(",").strip()
        if not expression:
            raise MlopsError("log.form", f"`{match[1]}` has no value.", hint=_HINT)
        if match[1] in found:
            raise MlopsError("log.form", f"`{match[1]}` is given twice.", hint=_HINT)
        found[match[1]] = expression
    return found


def evaluate(
    expressions: Mapping[str, str], namespace: dict[str, Any], local: dict[str, Any]
) -> dict[str, Any]:
    """Return the values of expressions, in the user's names.

    Raises `MlopsError` ``log.form`` for what is no expression, ``log.value`` for what fails.
    """
    found: dict[str, Any] = {}
    for name, expression in expressions.items():
        try:
            code = compile(expression, f"<%mlops log {name}>", "eval")
        except (SyntaxError, ValueError) as error:
            reason = error.msg if isinstance(error, SyntaxError) else str(error)
            words = f"`{name}={expression}` is no Python expression: {reason}."
            raise MlopsError("log.form", words, hint=_HINT) from None
        try:
            found[name] = eval(code, namespace, local)
        except Exception as error:
            words = f"`{name}={expression}` failed: {type(error).__name__}: {error}."
            hint = "run the cell that defines it first, or mend the expression."
            raise MlopsError("log.value", words, hint=hint) from None
    return found


def _starts(line: str) -> list[re.Match[str]]:
    found: list[re.Match[str]] = []
    depth, quote, index = 0, "", 0
    while index < len(line):
        sign = line[index]
        if quote:
            if sign == "\\":
                index += 1
            elif line.startswith(quote, index):
                index += len(quote) - 1
                quote = ""
        elif sign in "\"'":
            quote = sign * 3 if line.startswith(sign * 3, index) else sign
            index += len(quote) - 1
        elif sign in _OPEN:
            depth += 1
        elif sign in _CLOSE:
            depth -= 1
        elif not depth and (index == 0 or line[index - 1] in " \t,"):
            match = _NAME.match(line, index)
            if match is not None:
                found.append(match)
                index = match.end() - 1
        index += 1
    return found
