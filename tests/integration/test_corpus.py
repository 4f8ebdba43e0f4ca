"""The corpus for real: each notebook in a kernel, its pipeline in processes, and the proof.

What a case says is true is asserted by a cell that is added to its last step, so that both the
kernel and the step's process tell. Two notebooks are proven at a time, as each waits a lot.
A proof takes a second or more: of the notebooks that one process can try, those are proven whose
head says why; all are where ``MLOPS_CORPUS`` is ``all``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from jupyter_mlops.deploy.promote import promote
from jupyter_mlops.errors import MlopsError
from jupyter_mlops.pipeline.proof import Proof
from jupyter_mlops.pipeline.proving import prove
from jupyter_mlops.progress import Event, drain
from jupyter_mlops.project import Project
from tests.corpus import CASES, Case
from tests.support import stop_writer, write_notebook

WHOLE = os.environ.get("MLOPS_CORPUS") == "all"
PROVEN = [
    case
    for case in CASES
    if (case.runs or case.at_run) and (WHOLE or case.is_real) and not case.unreadable_here
]
GHOSTS = [case for case in CASES if case.expect.startswith("promote.hidden-state")]


@dataclass(frozen=True)
class Outcome:
    """What became of a case: a proof, or why there is none; and what was told meanwhile."""

    proof: Proof | None
    error: MlopsError | None
    told: tuple[str, ...]


@pytest.fixture(scope="module")
def outcomes(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[dict[str, Future[Outcome]]]:
    root = tmp_path_factory.mktemp("corpus")
    (root / "mlops.toml").touch()
    project = Project(root)
    wanted = {
        item.callspec.params["case"].name
        for item in request.session.items
        if isinstance(item, pytest.Function)
        and item.function is test_the_pipeline_is_proven_equal_or_refused
    }
    with ThreadPoolExecutor(2) as pool:
        futures = {
            case.name: pool.submit(outcome, case, project) for case in PROVEN if case.name in wanted
        }
        yield futures
        for future in futures.values():
            future.cancel()
    stop_writer(project)


def outcome(case: Case, project: Project) -> Outcome:
    """Prove one case in a folder of its own."""
    path = write_notebook(project.root / case.name / f"{case.name}.ipynb", case.cells())
    events: list[Event] = []
    proof, error = None, None
    try:
        proof = drain(prove(path, case.given, project=project), events.append).proof
    except MlopsError as raised:
        error = raised
    return Outcome(proof, error, tuple(event.message for event in events))


@pytest.mark.parametrize("case", PROVEN, ids=lambda case: case.name)
def test_the_pipeline_is_proven_equal_or_refused(
    case: Case, outcomes: dict[str, Future[Outcome]]
) -> None:
    found = outcomes[case.name].result()
    if not case.runs:
        assert found.error is not None, "it was not refused"
        code, position = case.refusal
        place = found.error.place
        assert (found.error.code, place.cell if place else None) == (code, position)
        for words in case.head.get("says", []):
            assert words in f"{found.error.message} {found.error.hint}"
        return
    assert found.error is None, found.error
    assert found.proof is not None
    random = {
        (each.name, str(each.origin.cell if each.origin else None))
        for each in found.proof.differences
        if each.verdict == "random"
    }
    different = {
        e.name: f"{e.label}: {e.words}" for e in found.proof.differences if e.verdict == "different"
    }
    assert different.keys() == {*filter(None, case.one("differs").split(", "))}, different
    assert random == set(case.pairs_of("random"))
    compared = {
        (each.kind, each.name.removeprefix("cell "))
        for each in found.proof.comparisons
        if each.equal
    }
    assert compared >= set(case.pairs_of("shows"))
    for each in case.head.get("notice", []):
        _, _, words = each.partition(" ")
        assert any(words in message for message in found.told), found.told


@pytest.mark.parametrize("case", GHOSTS, ids=lambda case: case.name)
def test_hidden_state_blocks_the_promotion(case: Case, project_root: Path) -> None:
    path = write_notebook(project_root / "ghost.ipynb", case.cells())
    save_counts(path, case)
    with pytest.raises(MlopsError) as caught:
        drain(promote(path, project=Project(project_root), images="none", kernel=case.kernel))
    assert caught.value.code == "promote.hidden-state"
    assert caught.value.place is not None
    assert caught.value.place.cell == case.refusal[1]
    assert not (project_root / ".mlops" / "releases").exists()


def save_counts(path: Path, case: Case) -> None:
    content = json.loads(path.read_text())
    for raw, cell in zip(content["cells"], case.book.cells, strict=True):
        raw["execution_count"] = cell.execution_count
    path.write_text(json.dumps(content))
