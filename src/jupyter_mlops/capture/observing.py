"""Observations: what a promotion wants to keep of the notebook's own run, cell by cell."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import MlopsError

if TYPE_CHECKING:
    from ..values import Observation

ERROR = "observe-error.json"


class Observers:
    """Keeps what each observation asks for when its cell has run."""

    def __init__(self, ordered: list[dict[str, Any]]) -> None:
        self._of_cell: dict[str, list[Observation]] = {}
        if not ordered:
            return  # as in every interactive run: no time for imports then
        from ..values import Observation

        for content in ordered:
            observation = Observation.from_dict(content)
            self._of_cell.setdefault(observation.cell, []).append(observation)

    def after(self, cell: str | None, namespace: dict[str, Any], result: Any) -> list[MlopsError]:
        """Observe a finished cell; what fails is returned, and told in the observation's folder."""
        observations = self._of_cell.get(cell or "", ())
        if not observations:
            return []
        from ..values import observe

        problems: list[MlopsError] = []
        for observation in observations:
            try:
                observe(observation, namespace, result)
            except MlopsError as error:
                problems.append(error)
                _tell(Path(observation.folder), error)
        return problems


def _tell(folder: Path, error: MlopsError) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f".{ERROR}.part"
        part.write_text(json.dumps(error.to_dict(), indent=1), encoding="utf-8")
        os.replace(part, folder / ERROR)
    except OSError:
        return  # the journal has it too
