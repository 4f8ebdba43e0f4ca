"""Models whose pickled bytes differ are loaded, and compared by what they are made of."""

from __future__ import annotations

import pickle
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from jupyter_mlops.capture.sources import file_digest
from jupyter_mlops.project import Project
from jupyter_mlops.reproduction.fitted import Judged, compare_models
from jupyter_mlops.reproduction.recorded import Fitted
from tests.unit.test_reproduction_outputs import _cell, _run


def _compare(root: Path, pairs: dict[str, tuple[Any, Any]]) -> dict[str, Judged]:
    project = Project(root)
    kept: dict[str, Fitted] = {}
    made: dict[str, Fitted] = {}
    for name, (one, other) in pairs.items():
        store = project.artifact_root / "models" / f"m-{name}" / "artifacts" / "model.pkl"
        store.parent.mkdir(parents=True)
        store.write_bytes(pickle.dumps(one))
        (root / f"{name}.pkl").write_bytes(pickle.dumps(other))
        kept[name] = Fitted(file_digest(str(store)), 1)
        made[name] = Fitted(file_digest(str(root / f"{name}.pkl")), 1, f"{name}.pkl")
    if "foreign" in kept:
        kept["foreign"] = Fitted("0" * 32, 1)
    run = _run([_cell(1, "1")], models=kept)
    return compare_models(
        project,
        run,
        replace(run, models=made, folder=root),
        python=Path(sys.executable),
        folder=root,
        tolerance=1e-9,
        ids={name: f"m-{name}" for name in pairs},
    )


def test_models_are_compared_by_what_they_are_made_of(tmp_path: Path) -> None:
    shared = "".join(["sha", "red"])
    found = _compare(
        tmp_path,
        {
            "equal": ([shared, shared], [shared, "".join(["sha", "red"])]),
            "close": ({"weight": 0.1 + 0.2}, {"weight": 0.3}),
            "other": ({"depth": 3}, {"depth": 4}),
            "same": (1, 1),
            "foreign": ({"depth": 3}, {"depth": 3, "more": 1}),
        },
    )
    assert found["equal"].verdict == "equal"
    assert found["close"].verdict == "equal within tolerance"
    assert 0 < found["close"].relative < 1e-9
    assert found["other"].verdict == "different"
    assert found["other"].words == "['depth']: 3 in the run, 4 here"
    assert "same" not in found, "its bytes tell"
    assert "foreign" not in found, "what is not the recorded file is never loaded"
