"""The points of a sweep: which values the swept parameters have together."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import MlopsError, Place
from ..notebook import moments
from ..notebook.document import Notebook
from ..notebook.parameters import check_parameters, read_parameters
from .space import Space

MOST_POINTS = 100_000


@dataclass(frozen=True, slots=True)
class Point:
    """One point: ``number`` counts from 1, ``parameters`` are those in which points differ."""

    number: int
    parameters: Mapping[str, Any]

    def words(self) -> str:
        """Return the parameters as people read them: ``depth=4 lr=0.01``."""
        return " ".join(f"{name}={shown(value)}" for name, value in self.parameters.items())


def shown(value: Any) -> str:
    """Return a parameter's value as a table shows it."""
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(moments.plain(value)) if moments.kind_of(value) else str(value)


def grid(space: Space) -> list[Point]:
    """Return every combination of values, the last parameter changing fastest.

    Raises `MlopsError` ``sweep.how-many`` where a range does not say how many values it has, and
    ``sweep.too-many``.
    """
    columns: list[list[Any]] = []
    total = 1
    for name, each in space.items():
        values = each.values()
        if values is None:
            raise MlopsError(
                "sweep.how-many",
                f"A grid needs to know how many values `{name}` has.",
                hint=f"write for example `-p {name}=LOW:HIGH:lin5`, or draw points with `--random "
                "20`.",
            )
        columns.append(values)
        total *= len(values)
    if total > MOST_POINTS:
        raise MlopsError(
            "sweep.too-many",
            f"The grid has {total:,} points.",
            hint="give fewer values, or draw points with `--random 200`.",
        )
    return numbered(dict(zip(space, values, strict=True)) for values in itertools.product(*columns))


def drawn(space: Space, count: int, seed: int) -> list[Point]:
    """Return ``count`` points drawn at random; the same for the same seed."""
    generator = random.Random(seed)
    return numbered(
        {name: each.draw(generator.random()) for name, each in space.items()} for _ in range(count)
    )


def listed(notebook: Notebook, path: Path) -> list[Point]:
    """Return the points that a file lists: CSV with a header, JSON or YAML with a list of tables.

    Raises `MlopsError` ``sweep.list`` for what is no such file, and what `check_parameters` does.
    """
    place = Place(str(path))
    try:
        rows = _rows(path)
    except (OSError, UnicodeDecodeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise MlopsError(
            "sweep.list",
            f"The list of points cannot be read: {reason}.",
            hint="give a CSV file with a header, or JSON or YAML with a list of tables.",
            place=place,
        ) from None
    if not rows:
        raise MlopsError("sweep.list", "The list has no points.", place=place)
    declared = read_parameters(notebook)
    return numbered(check_parameters(notebook, declared, row) for row in rows)


def numbered(rows: Iterable[Mapping[str, Any]]) -> list[Point]:
    """Return points in order, each once."""
    found: dict[str, Mapping[str, Any]] = {}
    for row in rows:
        found.setdefault(json.dumps(moments.plain(dict(row)), sort_keys=True, default=repr), row)
    return [Point(number, dict(row)) for number, row in enumerate(found.values(), 1)]


def _rows(path: Path) -> list[dict[str, Any]]:
    text = path.read_text(encoding="utf-8-sig")
    if path.suffix.lower() == ".csv":
        import csv

        rows: Any = list(csv.DictReader(text.splitlines(), strict=True))
        if any(None in row or None in row.values() for row in rows):
            raise ValueError("a row has more or fewer values than the header")
    elif path.suffix.lower() == ".json":
        rows = json.loads(text)
    else:
        import yaml

        try:
            rows = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise ValueError(" ".join(str(error).split())) from None
    if not isinstance(rows, list) or not all(
        isinstance(row, dict) and all(isinstance(name, str) for name in row) for row in rows
    ):
        raise ValueError("it is no list of tables")
    return rows
