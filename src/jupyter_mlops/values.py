"""Values on disk: several variables of a namespace in one folder, and back.

A folder holds ``values.pickle`` (cloudpickle, protocol 5), ``buffers.bin`` (the memory of arrays
and columns, aligned to 64 bytes) and ``index.json``. Aliases inside one folder stay one object, and
so do arrays that are views of one another. Buffers are mapped copy-on-write: loaded arrays may be
changed and the file stays as it was. On load the pickle and the buffers are both checked against
their digests; for the buffers this reads them once, about 0.1 s per GB.
"""

from __future__ import annotations

import json
import numbers
import os
import pickle
import shutil
import sys
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import xxhash

from . import _buffers, _pickling
from ._pickling import Pickler, Refused, receiving
from ._random_state import STATES, restore, take
from ._sharing import Arrays
from .errors import MlopsError, Place
from .fingerprints import fingerprint
from .os_errors import explain_os_errors

INDEX = "index.json"
PICKLE = "values.pickle"
BUFFERS = "buffers.bin"
UNASSIGNED = "not assigned"
"""What the index tells of a name that was not bound."""
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


def dump(
    namespace: Mapping[str, Any],
    names: Sequence[str],
    folder: Path,
    *,
    globals_of: dict[str, Any] | None = None,
    optional: bool = False,
) -> dict[str, str]:
    """Write variables of ``namespace`` to ``folder``, all at once, and return their fingerprints.

    Parameters
    ----------
    globals_of
        The dict whose functions and classes are re-bound on load; default: ``namespace``.
    optional
        Whether names may be absent, as those that are bound on one branch only: the index tells it
        under ``missing``, and `load` leaves them unbound.

    Returns
    -------
    dict
        Name to fingerprint; an empty string where none can be taken.

    Raises
    ------
    MlopsError
        ``values.missing`` where a name is not in the namespace, ``values.unserialisable`` where a
        value cannot travel; ``project.disk-full`` and ``project.read-only``.
    """
    absent = [name for name in names if name not in namespace and name not in STATES]
    if absent and not optional:
        raise MlopsError(
            "values.missing",
            f"There is no variable {_list(absent)} to keep.",
            hint="assign it in a cell that runs before.",
        )
    missing = dict.fromkeys(absent, UNASSIGNED)
    present = [name for name in names if name not in missing]
    values = {name: take(name) if name in STATES else namespace[name] for name in present}
    owner = globals_of if globals_of is not None else namespace
    return _write(values, folder, owner if isinstance(owner, dict) else dict(owner), missing)


def load(
    folder: Path, namespace: dict[str, Any], names: Iterable[str] | None = None
) -> tuple[str, ...]:
    """Bind variables of a values folder in ``namespace`` and return their names.

    Only folders that this program wrote itself may be loaded: unpickling runs code.

    Raises
    ------
    MlopsError
        ``values.missing``, ``values.corrupt``, or ``values.python`` where another minor version of
        Python wrote the folder; ``values.import`` where a module that a value needs is absent.
    """
    index = read_index(folder)
    if index["python"] != PYTHON:
        raise MlopsError(
            "values.python",
            f"The values were written by Python {index['python']}, but this is Python {PYTHON}.",
            hint=f"use Python {index['python']}, or run the step that wrote them again.",
            place=Place(str(folder)),
        )
    wanted = tuple(names) if names is not None else tuple(index["names"])
    unbound = [name for name in wanted if index.get("missing", {}).get(name) == UNASSIGNED]
    wanted = tuple(name for name in wanted if name not in unbound)
    absent = [name for name in wanted if name not in index["names"]]
    if absent:
        raise MlopsError(
            "values.missing",
            f"The folder holds no value of {_list(absent)}.",
            hint=f"it holds {_list(list(index['names']))}.",
            place=Place(str(folder)),
        )
    for name in unbound:
        namespace.pop(name, None)
    if not wanted:
        return ()
    content, buffers = _read(folder), _map(folder, index)
    try:
        with receiving(namespace, wanted):
            values = pickle.loads(content, buffers=buffers)
    except ImportError as error:
        raise MlopsError(
            "values.import",
            f"A value needs a module that cannot be imported: {error}.",
            hint="install it in this environment; the lock of the notebook's environment names it.",
            place=Place(str(folder)),
        ) from error
    except Exception as error:
        raise MlopsError(
            "values.corrupt",
            f"The values cannot be read back: {type(error).__name__}: {error}.",
            hint="run the step that wrote them again.",
            place=Place(str(folder)),
        ) from error
    for name in wanted:
        namespace[name] = values[name]
        if name in STATES:
            restore(name, values[name])
    return wanted


def read_index(folder: Path) -> dict[str, Any]:
    """Return the content of ``index.json``; raises ``values.missing`` or ``values.corrupt``."""
    try:
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        index["names"], index["python"], index["pickle"], index["buffers"]
    except FileNotFoundError:
        raise MlopsError(
            "values.missing",
            "There is no folder of values here.",
            hint="run the step that writes it.",
            place=Place(str(folder)),
        ) from None
    except (ValueError, KeyError, TypeError):
        raise _corrupt(folder / INDEX) from None
    return index  # type: ignore[no-any-return]


def modules(folder: Path) -> set[str]:
    """Return the top-level modules that the values import when they are loaded.

    ``__main__``, ``builtins`` and this package are left out. Nothing is executed.
    """
    found = {name.partition(".")[0] for name in _pickling.modules(_read(folder))}
    return found - {"__main__", "builtins", __name__.partition(".")[0], ""}


@dataclass(frozen=True, slots=True)
class Observation:
    """What to keep of a namespace after a cell has run.

    ``cell`` is the cell's id. ``expressions`` maps further names to Python expressions that are
    evaluated in the namespace; ``result`` is the name for the cell's own result. With ``numbers``
    only numbers are kept, and anything else is passed over.
    """

    cell: str
    folder: str
    names: tuple[str, ...]
    expressions: dict[str, str] = field(default_factory=dict)
    result: str | None = None
    numbers: bool = False

    def to_dict(self) -> dict[str, Any]:
        return {
            "cell": self.cell,
            "folder": self.folder,
            "names": list(self.names),
            "expressions": self.expressions,
            "result": self.result,
            "numbers": self.numbers,
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Observation:
        return cls(**{**content, "names": tuple(content["names"])})


def observe(observation: Observation, namespace: dict[str, Any], result: Any) -> dict[str, str]:
    """Write what ``observation`` asks for, and return name to fingerprint as `dump` does.

    A name that is not in the namespace, or an expression that fails, is left out; the index tells
    it under ``missing``. Raises as `dump` does.
    """
    values: dict[str, Any] = {}
    missing: dict[str, str] = {}
    for name in observation.names:
        if name in STATES:
            values[name] = take(name)
        elif name in namespace:
            values[name] = namespace[name]
        else:
            missing[name] = UNASSIGNED
    for name, expression in observation.expressions.items():
        try:
            values[name] = eval(expression, namespace)
        except Exception as error:
            missing[name] = f"{type(error).__name__}: {error}"
    if observation.result is not None:
        if result is None:
            missing[observation.result] = "the cell has no result"
        else:
            values[observation.result] = result
    if observation.numbers:
        values = {name: value for name, value in values.items() if is_number(value)}
    return _write(values, Path(observation.folder), namespace, missing)


def is_number(value: Any) -> bool:
    """Tell whether ``value`` can be a metric: a real number, NumPy's included, but no bool."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def _write(
    values: dict[str, Any], folder: Path, owner: dict[str, Any], missing: dict[str, str]
) -> dict[str, str]:
    prints = {name: _print(value) for name, value in values.items()}
    staging = folder.parent / f".{folder.name}.{uuid.uuid4().hex[:8]}"
    with explain_os_errors(folder):
        try:
            staging.mkdir(parents=True)
            index = _write_files(values, owner, staging)
            index["names"] = {
                name: {"fingerprint": prints[name], "type": _type_name(value)}
                for name, value in values.items()
            }
            index["missing"] = missing
            text = json.dumps(index, indent=1)
            (staging / INDEX).write_text(text, encoding="utf-8")
            _replace(staging, folder)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    return prints


def _write_files(values: dict[str, Any], owner: dict[str, Any], folder: Path) -> dict[str, Any]:
    arrays = Arrays()
    summary, buffers = _write_pickle(values, owner, folder / PICKLE, arrays)
    if arrays.find_shared():
        # Which arrays share their memory is known only when all have been met.
        summary, buffers = _write_pickle(values, owner, folder / PICKLE, arrays)
    return {
        "python": PYTHON,
        "pickle": summary,
        "buffers": _buffers.write(buffers, folder / BUFFERS),
    }


def _write_pickle(
    values: dict[str, Any], owner: dict[str, Any], path: Path, arrays: Arrays
) -> tuple[dict[str, Any], list[pickle.PickleBuffer]]:
    buffers: list[pickle.PickleBuffer] = []
    with path.open("wb") as file:
        writer = _buffers.HashingWriter(file)
        try:
            Pickler(writer, owner, buffers.append, arrays).dump(values)
        except Exception as error:
            if writer.error is not None:
                raise writer.error from None
            raise _unserialisable(values, owner, error) from None
    return writer.summary(), buffers


def _unserialisable(values: dict[str, Any], owner: dict[str, Any], error: Exception) -> MlopsError:
    """Return the error that names the variable: each is tried alone, the first that fails is it."""
    name, culprit = next(iter(values)), error
    for each, value in values.items():
        try:
            Pickler(_buffers.HashingWriter(), owner, lambda buffer: None).dump(value)
        except Exception as own:
            name, culprit = each, own
            break
    kind = _type_name(values[name])
    if isinstance(culprit, Refused):
        reason = f"it is {culprit}" if _is_itself(values[name], owner) else f"it holds {culprit}"
    else:
        reason = str(culprit).rstrip(".") or type(culprit).__name__
    return MlopsError(
        "values.unserialisable",
        f"`{name}` ({kind}) cannot be passed on to another step: {reason}.",
        hint="make it in the step that uses it, or tag both cells with the same step.",
    )


def _is_itself(value: Any, owner: dict[str, Any]) -> bool:
    try:
        Pickler(_buffers.HashingWriter(), owner).reducer_override(value)
    except Refused:
        return True
    except Exception:
        return False
    return False


def _read(folder: Path) -> bytes:
    index = read_index(folder)
    try:
        content = (folder / PICKLE).read_bytes()
    except FileNotFoundError:
        raise _corrupt(folder / PICKLE) from None
    if xxhash.xxh3_128_hexdigest(content) != index["pickle"]["digest"]:
        raise _corrupt(folder / PICKLE)
    return content


def _map(folder: Path, index: dict[str, Any]) -> list[memoryview]:
    try:
        buffers = _buffers.read(folder / BUFFERS, index["buffers"])
    except FileNotFoundError:
        buffers = None
    if buffers is None:
        raise _corrupt(folder / BUFFERS)
    return buffers


def _corrupt(path: Path) -> MlopsError:
    return MlopsError(
        "values.corrupt",
        f"The values are damaged: `{path.name}` is cut off or has changed.",
        hint="run the step that wrote them again.",
        place=Place(str(path)),
    )


def _replace(staging: Path, folder: Path) -> None:
    if not folder.exists():
        os.rename(staging, folder)
        return
    old = folder.parent / f".{folder.name}.{uuid.uuid4().hex[:8]}.old"
    os.rename(folder, old)
    os.rename(staging, folder)
    shutil.rmtree(old, ignore_errors=True)


def _print(value: Any) -> str:
    try:
        return fingerprint(value)
    except MlopsError:
        return ""


def _type_name(value: Any) -> str:
    kind = type(value)
    if kind.__module__ in ("builtins", "__main__"):
        return kind.__qualname__
    return f"{kind.__module__.partition('.')[0]}.{kind.__qualname__}"


def _list(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "nothing"
