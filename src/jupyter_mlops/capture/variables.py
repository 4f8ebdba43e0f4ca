"""The user's variables among all names of a kernel, and which of their values can change."""

from __future__ import annotations

import datetime
import decimal
import enum
import fractions
import logging
import pathlib
import re
import sys
import types
import weakref
from collections.abc import Mapping
from typing import Any

_HISTORY = re.compile(r"_{1,3}|_i{1,3}|_i?\d+|_[iod]h|In|Out|__\w*__|_exit_code|_dh")
_FIXED = frozenset(
    {int, float, complex, bool, str, bytes, type(None), range, slice, object, type}
    | {type(Ellipsis), type(NotImplemented), re.Pattern, re.Match, decimal.Decimal}
    | {types.ModuleType, types.BuiltinFunctionType, types.CodeType, types.MethodDescriptorType}
    | {types.WrapperDescriptorType, types.GenericAlias, types.UnionType, fractions.Fraction}
    | {datetime.date, datetime.time, datetime.datetime, datetime.timedelta, datetime.timezone}
    | {pathlib.PurePath, pathlib.Path, pathlib.PosixPath, pathlib.WindowsPath}
)
_CHANGEABLE = frozenset({list, dict, set, bytearray, tuple, frozenset})
_FIXED_BASES = (
    type,
    types.ModuleType,
    enum.Enum,
    # Shared by all who use them, and by name.
    logging.Logger,
    pathlib.PurePath,
)

# Weak: a class of the notebook must not outlive its cell's next execution.
_kinds: weakref.WeakKeyDictionary[type, bool] = weakref.WeakKeyDictionary()


class Variables:
    """Tells the user's variables in a kernel's namespace from IPython's own names.

    ``hidden`` is what the namespace held before any cell ran.
    """

    def __init__(self, hidden: Mapping[str, Any]) -> None:
        self._hidden = hidden
        self._visible: dict[str, bool] = {}

    def of(self, namespace: Mapping[str, Any]) -> dict[str, Any]:
        """Return the variables with their values."""
        visible, hidden = self._visible, self._hidden
        found: dict[str, Any] = {}
        # A copy, as other threads may bind names meanwhile.
        for name, value in dict(namespace).items():
            shown = visible.get(name)
            if shown is None:
                shown = visible[name] = not _HISTORY.fullmatch(name)
            if shown and (name not in hidden or hidden[name] is not value):
                found[name] = value
        return found


def is_fixed(value: Any) -> bool:
    """Tell whether nothing can change ``value`` in place, nor what is inside it."""
    kind = type(value)
    if kind in _FIXED:
        return True
    if kind is types.FunctionType:
        return _bare(value)
    return kind not in _CHANGEABLE and _is_fixed_kind(kind)


def _bare(function: types.FunctionType) -> bool:
    return not (function.__closure__ or function.__defaults__ or function.__kwdefaults__)


def _is_fixed_kind(kind: type) -> bool:
    found = _kinds.get(kind)
    if found is None:
        found = _kinds[kind] = _judge(kind)
    return found


def _judge(kind: type) -> bool:
    if issubclass(kind, _FIXED_BASES):
        return True
    # A drawing changes when it is shown; a proof compares the pictures themselves.
    if kind.__module__.partition(".")[0] in ("_thread", "threading", "matplotlib"):
        return True
    for module, names in (
        ("numpy", ("generic", "dtype", "ufunc")),
        ("pandas", ("Index", "Timestamp", "Timedelta", "Period", "Interval")),
        ("pandas.api.extensions", ("ExtensionDtype",)),
    ):
        loaded = sys.modules.get(module)
        bases = [getattr(loaded, name, None) for name in names]
        if any(isinstance(base, type) and issubclass(kind, base) for base in bases):
            return True
    return False
