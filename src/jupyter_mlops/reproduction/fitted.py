"""Fitted models whose pickled bytes differ, looked into by the Python that can load them.

As a program it reads pairs of files as JSON from standard input, and writes for each how the models
in them compare. It runs in the environment of the reproduction, in the notebook's folder.
"""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..capture.sources import file_digest
from ..project import Project
from .recorded import Recorded

_SECONDS = 300
_PICKLE = "artifacts/model.pkl"


@dataclass(frozen=True, slots=True)
class Judged:
    """How two models compare: a verdict of `differences`, words, and the largest difference."""

    verdict: str
    words: str
    relative: float


def compare_models(
    project: Project,
    run: Recorded,
    here: Recorded,
    *,
    python: Path,
    folder: Path,
    tolerance: float,
    ids: Mapping[str, str],
) -> dict[str, Judged]:
    """Compare the models of two runs that differ in their bytes, by the names of their variables.

    Only those are told of whose files are both here: of the run the project's own store, as far
    as a file's digest is the recorded one.

    Parameters
    ----------
    folder
        The notebook's folder, whose modules models may need.
    ids
        MLflow's ids of the run's models, by name.
    """
    pairs = {}
    for name, model in run.models.items():
        other = here.models.get(name)
        kept = project.artifact_root / "models" / ids.get(name, "-") / _PICKLE
        if other is None or other.digest == model.digest or here.folder is None:
            continue
        files = (kept, here.folder / other.file)
        if all(path.is_file() for path in files) and file_digest(str(kept)) == model.digest:
            pairs[name] = [str(path) for path in files]
    if not pairs:
        return {}
    try:
        done = subprocess.run(
            [str(python), "-m", __name__],
            input=json.dumps({"pairs": pairs, "tolerance": tolerance}),
            capture_output=True,
            text=True,
            cwd=folder,
            timeout=_SECONDS,
            check=True,
        )
        told = json.loads(done.stdout.splitlines()[-1])
    except (OSError, ValueError, IndexError, subprocess.SubprocessError):
        return {}  # they stay uncompared
    return {name: Judged(**each) for name, each in told.items()}


def _main() -> None:
    from ..pipeline.differences import within
    from .judging import compare_values

    sys.path.insert(0, "")
    asked = json.load(sys.stdin)
    out, sys.stdout = sys.stdout, sys.stderr
    found: dict[str, dict[str, Any]] = {}
    for name, paths in asked["pairs"].items():
        try:
            one, other = (pickle.loads(Path(path).read_bytes()) for path in paths)
        except Exception:
            continue  # its modules are not here, or it is of other versions
        with within(asked["tolerance"]) as tolerance:
            judged = compare_values(one, other)
        found[name] = {
            "verdict": judged.verdict,
            "words": judged.words,
            "relative": tolerance.largest,
        }
    out.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    _main()
