"""How enums of the notebook travel: with all their names, and with what their members hold."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any

from cloudpickle import cloudpickle as internals

_OF_MEMBERS = frozenset({"_value_", "_name_", "_sort_order_", "__objclass__"})
"""What Python itself sets on the members of an enum."""


def whole(value: enum.EnumType, reduced: tuple[Any, ...]) -> tuple[Any, ...]:
    """Let an enum be made with all its names, and with what its members have beside their value.

    cloudpickle leaves out second names and combined flags, which cannot be set afterwards, and
    what ``__init__`` sets on a member.
    """
    make, arguments, (attributes, slots), *_ = reduced
    members: Mapping[str, Any] = value.__members__
    values = {name: each.value for name, each in members.items()}
    attributes = {name: each for name, each in attributes.items() if name not in members}
    own = {
        name: {k: v for k, v in vars(each).items() if k not in _OF_MEMBERS}
        for name, each in members.items()
    }
    arguments = (*arguments[:3], values, *arguments[4:])
    return make, arguments, ((attributes, slots), own), None, None, _set_state


def _set_state(value: enum.EnumType, state: tuple[Any, dict[str, dict[str, Any]]]) -> None:
    content, own = state
    internals._class_setstate(value, content)
    members: Mapping[str, Any] = value.__members__
    for name, attributes in own.items():
        vars(members[name]).update(attributes)
