"""Why a tag is suggested, in one line."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from .study import Study, fitted

_MOST_NAMES = 3


def names(found: Sequence[str]) -> str:
    """Return names as words: `` `a`, `b` and 2 more ``."""
    shown = [f"`{name}`" for name in found]
    if len(shown) > _MOST_NAMES:
        shown = [*shown[: _MOST_NAMES - 1], f"{len(shown) - _MOST_NAMES + 1} more"]
    return _listed(shown)


def cells(positions: Sequence[int]) -> str:
    """Return positions as words: ``cell 5``, ``cells 5 and 7``."""
    shown = [str(position) for position in positions]
    if len(shown) > _MOST_NAMES:
        shown = [*shown[: _MOST_NAMES - 1], f"{len(shown) - _MOST_NAMES + 1} more"]
    return f"cell{'s' if len(positions) != 1 else ''} {_listed(shown)}"


def imports(study: Study, number: int) -> str:
    constants = study.constants(number)
    effects = study.flow.cells[number].effects
    reason = "only imports" if effects.imports else "only sets up the session"
    if constants:
        reason = f"imports and assigns {names(constants)}"
    return reason + _could_be_parameters(study.settings(number))


def parameters(study: Study, number: int) -> str:
    constants = study.constants(number)
    which = names(constants) if len(constants) < len(study.kinds[number].constants) else "constants"
    reading = study.who_reads(number)
    verb = "read" if len(reading) != 1 else "reads"
    return f"assigns {which} that {cells(reading)} {verb}"


def functions(study: Study, number: int) -> str:
    kind = study.kinds[number]
    reason = f"defines {names(kind.defines)}"
    reading = study.who_reads(number)
    if reading:
        reason += f", which {cells(reading)} use{'s' if len(reading) == 1 else ''}"
    return reason + _could_be_parameters(study.settings(number))


def skip(study: Study, number: int) -> str:
    looked = _values_read(study, number)
    reason = f"only shows {names(looked)}" if looked else "only shows something"
    made = [n for n in study.flow.cells[number].effects.writes if n not in study.modules]
    return f"{reason}; what it makes no step reads" if made else reason


def serve(call: str) -> str:
    return f"answers example rows with `{call}`"


def metrics(study: Study, number: int) -> str:
    return f"computes {names(study.kinds[number].numbers)}"


def step(study: Study, number: int) -> str:
    """Return what a cell of a step does."""
    kind = study.kinds[number]
    effects = study.flow.cells[number].effects
    parts: list[str] = []
    models = fitted(study.flow.cells[number].code.tree) if "train" in kind.activities else []
    if kind.sources:
        parts.append(f"reads {names(kind.sources)}")
    if models:
        parts.append(f"fits {names(models)}")
    if kind.numbers:
        parts.append(f"computes {names(kind.numbers)}")
    if effects.writes_outside is not None:
        parts.append("writes outside the notebook")
    said = {*models, *kind.numbers}
    made = [n for n in study.left(number) if n in effects.writes and n not in said]
    changed = [n for n in study.left(number) if n not in effects.writes and n not in said]
    if made:
        parts.append(f"makes {names(made)}")
    if changed:
        parts.append(f"changes {names(changed)}")
    if not parts:
        looked = _values_read(study, number)
        parts.append(f"uses {names(looked)}" if looked else "stands alone")
    return _listed(parts) + _mixed(study, number)


def _values_read(study: Study, number: int) -> list[str]:
    followed = study.flow.cells[number]
    spelled = {node.id for node in ast.walk(followed.code.tree) if isinstance(node, ast.Name)}
    return [
        name
        for name in followed.effects.reads
        if name in spelled
        and name not in study.modules
        and name not in study.functions
        and next(study.flow.makers(number, name), None) is not None
    ]


def _mixed(study: Study, number: int) -> str:
    """Tell of work that would be better off in a cell of its own."""
    activities = study.kinds[number].activities
    if "load" in activities and "train" in activities:
        return "; it both loads and trains: split it in two cells to make two steps of it"
    return _could_be_parameters(study.settings(number))


def _could_be_parameters(constants: Sequence[str]) -> str:
    if not constants:
        return ""
    return f"; in a cell of {'its' if len(constants) == 1 else 'their'} own {names(constants)} " + (
        f"could be {'a parameter' if len(constants) == 1 else 'parameters'}"
    )


def _listed(parts: Sequence[str]) -> str:
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"
