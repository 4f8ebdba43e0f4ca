"""Handing a value from one notebook to another: what of it can be written down, and how.

`hand` runs in the kernel, on a variable that the notebook left; what it writes is JSON, so that
nothing of the notebook's own is ever loaded in another process. Tables and arrays are handed on as
files that any notebook can read: Parquet, and NumPy's ``.npy``.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import os
from pathlib import Path, PurePath
from typing import Any

from ..errors import MlopsError
from ..notebook.moments import in_order
from ..notebook.secret_names import is_secret_name

LARGEST = 32_000
"""Characters of JSON: parameters travel in the kernel's environment, which holds little more."""


class Refused(ValueError):
    """A value that cannot be a parameter; the text says what it is, and what to do instead."""


def hand(value: object, target: str, name: str, folder: str = "") -> None:
    """Write what `handed` returns of a variable to the file ``target``, at once."""
    path = Path(target)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.write_text(handed(value, name, folder), encoding="utf-8")
    os.replace(part, path)


def handed(value: object, name: str = "", folder: str = "") -> str:
    """Return JSON of what is handed on of a variable: ``{"value": …}`` or ``{"refused": …}``.

    Parameters
    ----------
    name
        The variable's: text under the name of a secret is refused.
    folder
        Where a table or an array is written, as ``<name>-<fingerprint>.parquet`` or ``.npy``, and
        its path handed on; nowhere by default.
    """
    try:
        content = _encoded(value if not folder else _as_file(value, Path(folder), name))
        text = json.dumps({"value": content})
        if len(text) > LARGEST:
            raise Refused(
                f"is too large for a parameter ({len(text):,} characters; {LARGEST:,} is the most)"
                "; write it to a file and hand on its path"
            )
        if _tells_a_secret(content) or (isinstance(value, str) and value and is_secret_name(name)):
            raise Refused("holds a secret; hand on the secret's own parameter instead")
    except Refused as refused:
        return json.dumps({"refused": str(refused)})
    return text


def taken(text: str) -> Any:
    """Return the value that `handed` wrote; raises `Refused`."""
    content = json.loads(text)
    if "refused" in content:
        raise Refused(content["refused"])
    return decoded(content["value"])


def encoded(value: Any) -> Any:
    """Return a plain value as JSON can hold it without loss; raises `Refused`."""
    return _encoded(value)


def decoded(content: Any) -> Any:
    """Return the value that `encoded` wrote."""
    if isinstance(content, list):
        return [decoded(each) for each in content]
    if not isinstance(content, dict):
        return content
    inside = content["is"]
    match content["kind"]:
        case "date":
            return dt.date.fromisoformat(inside)
        case "datetime":
            return dt.datetime.fromisoformat(inside)
        case "time":
            return dt.time.fromisoformat(inside)
        case "path":
            return Path(inside)
        case "float":
            return float(inside)
        case "tuple":
            return tuple(decoded(each) for each in inside)
        case "set":
            return {decoded(each) for each in inside}
        case _:
            return {decoded(key): decoded(each) for key, each in inside}


def text_of(value: Any) -> str:
    """Return a value as it stands within a text; raises `Refused` for what is no single one."""
    match value:
        case str() | PurePath() | bool() | int() | float():
            return str(value)
        case dt.date() | dt.time():
            return value.isoformat()
    raise Refused(f"is {_called(value)}, which cannot stand within a text; refer to it alone")


def _encoded(value: object, depth: int = 0) -> Any:
    if depth > 20:
        raise Refused("holds itself, or is nested too deeply")
    value = _plain_number(value)
    match value:
        case None | bool() | int():
            return value if value is None or isinstance(value, bool) else int(value)
        case float():
            plain = float(value)
            return plain if math.isfinite(plain) else {"kind": "float", "is": str(plain)}
        case str():
            return str(value)
        case dt.datetime():
            return _moment("datetime", value)
        case dt.date():
            return _moment("date", value)
        case dt.time():
            return _moment("time", value)
        case PurePath():
            return {"kind": "path", "is": str(value)}
    if type(value) is list:
        return [_encoded(each, depth + 1) for each in value]
    if type(value) is tuple:
        return {"kind": "tuple", "is": [_encoded(each, depth + 1) for each in value]}
    if type(value) is set:
        return {"kind": "set", "is": [_encoded(each, depth + 1) for each in in_order(value)]}
    if type(value) is dict:
        pairs = [
            [_encoded(key, depth + 1), _encoded(each, depth + 1)] for key, each in value.items()
        ]
        return {"kind": "dict", "is": pairs}
    raise Refused(f"is {_called(value)}, which cannot be a parameter; {_advice(value)}")


def _moment(kind: str, value: Any) -> dict[str, str]:
    try:
        if getattr(value, "nanosecond", 0):
            raise ValueError  # pandas' Timestamp knows more digits than Python's own
        moment = value.to_pydatetime(warn=False) if hasattr(value, "to_pydatetime") else value
        text = moment.isoformat()
        getattr(dt, kind).fromisoformat(text)
    except (ValueError, TypeError):
        raise Refused(f"is {value!r}, which is no {kind} that can be written down") from None
    return {"kind": kind, "is": text}


def _plain_number(value: object) -> object:
    """Return a scalar of NumPy as Python's own, and anything else as it is."""
    if type(value).__module__ == "numpy" and getattr(value, "shape", None) == ():
        item = getattr(value, "item", None)
        found = item() if item is not None else value
        return value if isinstance(found, bytes) else found
    return value


def _as_file(value: object, folder: Path, name: str) -> object:
    """Write a table or an array, and return the path; anything else as it is."""
    suffix = _suffix(value)
    if not suffix:
        return value
    from ..fingerprints import fingerprint

    try:
        print_ = fingerprint(value)
        path = folder / f"{name}-{print_[:16]}{suffix}"
        if path.exists():
            return path
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f".{path.name}.{os.getpid()}.part"
        try:
            _write(value, part, suffix)
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)
    except (MlopsError, OSError, ValueError, TypeError, ImportError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        words = f"is {_called(value)}, which cannot be written as {suffix}: {reason.rstrip('.')}"
        raise Refused(f"{words}; write it to a file and hand on its path") from None
    return path


def _suffix(value: Any) -> str:
    kind = type(value)
    module = kind.__module__.partition(".")[0]
    if kind.__name__ == "DataFrame" and module in ("pandas", "polars", "geopandas"):
        return ".parquet"
    # An array of Python objects could only be pickled.
    is_array = module == "numpy" and kind.__name__ == "ndarray"
    return ".npy" if is_array and not value.dtype.hasobject else ""


def _write(value: Any, path: Path, suffix: str) -> None:
    if suffix == ".npy":
        import numpy as np

        with path.open("wb") as file:
            np.save(file, value, allow_pickle=False)
    elif hasattr(value, "write_parquet"):
        value.write_parquet(path)
    else:
        value.to_parquet(path)


def _called(value: object) -> str:
    kind = type(value)
    module = kind.__module__.partition(".")[0]
    name = kind.__qualname__ if module in ("builtins", "__main__") else f"{module}.{kind.__name__}"
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def _advice(value: object) -> str:
    suffix = _suffix(value)
    if suffix:
        return (
            "annotate the receiving parameter with `Path` to be given it as a "
            f"{'Parquet' if suffix == '.parquet' else '.npy'} file, "
            "or write it to a file and hand on the path"
        )
    return "write it to a file and hand on the path, or hand on what you need of it"


def _tells_a_secret(content: Any) -> bool:
    from ..capture.redaction import redact

    match content:
        case str():
            return redact(content) != content
        case list():
            return any(map(_tells_a_secret, content))
        case dict():
            return _tells_a_secret(content["is"])
    return False
