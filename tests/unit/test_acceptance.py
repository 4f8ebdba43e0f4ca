"""Differences accepted by name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from jupyter_mlops.errors import MlopsError, Place
from jupyter_mlops.pipeline.acceptance import Acceptance, Accepted, carry_over, read_accepted
from jupyter_mlops.pipeline.proof import Comparison, Kind, Proof
from jupyter_mlops.pipeline.prove import cells_of
from tests.pipelines import small

PLACE = Place("notebooks/small.ipynb", 6)


def different(step: str, name: str, kind: Kind = "output") -> Comparison:
    return Comparison(step, name, kind, "different", "1 in the notebook, 2", "int", PLACE)


def accepted(tmp_path: Path, *names: str) -> Accepted:
    return read_accepted(small(), names, tmp_path)


@pytest.mark.parametrize(
    ("name", "comparison"),
    [
        ("model", different("train", "model")),
        ("model", different("check", "model", "serving")),
        ("train.model", different("train", "model")),
        ("check.score", different("check", "score", "metric")),
        ("predictions", different("check", "predictions", "serving")),
        ("cell 7", different("check", "cell 7", "printed")),
        ("Cell 7", different("check", "cell 7", "figure")),
    ],
)
def test_a_name_accepts_what_it_names(tmp_path: Path, name: str, comparison: Comparison) -> None:
    proof = Proof("small", "small.ipynb", "0", (comparison,))
    assert not proof.ok
    found = proof.accepting(accepted(tmp_path, name))
    assert found.ok
    assert found.words.startswith("equal to the notebook but for what was accepted")
    (entry,) = found.summary()["accepted"]
    assert entry["words"] == "1 in the notebook, 2"
    assert entry["by"]
    assert entry["at"]


@pytest.mark.parametrize("name", ["train.model", "rows", "cell 6"])
def test_a_name_accepts_nothing_else(tmp_path: Path, name: str) -> None:
    others = (different("check", "model", "serving"), different("check", "cell 7", "printed"))
    proof = Proof("small", "small.ipynb", "0", others).accepting(accepted(tmp_path, name))
    assert len(proof.differences) == 2
    assert accepted(tmp_path, name).unneeded(proof.comparisons) == (name,)


def test_what_is_equal_needs_no_acceptance(tmp_path: Path) -> None:
    same = Comparison("train", "model", "output", "equal", "", "int", PLACE)
    names = accepted(tmp_path, "model", "model")
    proof = Proof("small", "small.ipynb", "0", (same,)).accepting(names)
    assert proof.accepted == ()
    assert names.unneeded(proof.comparisons) == ("model",)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("modle", "did you mean `model`?"),
        ("train.modle", "did you mean `train.model`?"),
        ("cell 1", "did you mean `cell"),
        ("prediction", "did you mean `predictions`?"),
        ("trian.model", "did you mean `train.model`?"),
        ("42", "these are compared: "),
    ],
)
def test_an_unknown_name_is_refused(tmp_path: Path, name: str, hint: str) -> None:
    with pytest.raises(MlopsError) as caught:
        accepted(tmp_path, "model", name)
    assert caught.value.code == "proof.unknown-name"
    assert hint in caught.value.hint


def test_the_refusal_names_what_could_be_accepted() -> None:
    found = (different("train", "model"), different("check", "cell 7", "printed"))
    error = Proof("small", "small.ipynb", "0", found).error()
    assert error.code == "promote.different"
    assert "`model` of step train: 1 in the notebook, 2. 1 more differs." in error.message
    assert error.hint.endswith('--accept "train.model" --accept "cell 7"')
    assert error.place == PLACE


def record(name: str, step: str, kind: Kind = "output", verdict: str = "random") -> dict[str, str]:
    return {
        "name": name,
        "step": step,
        "kind": kind,
        "verdict": verdict,
        "words": "",
        "by": "ada",
        "at": "2026-01-02",
    }


def random(step: str, name: str, kind: Kind = "output") -> Comparison:
    return replace(different(step, name, kind), verdict="random")


def test_acceptances_of_a_release_are_carried_over_where_they_fit() -> None:
    cells = cells_of(small())
    changed = [replace(c, source="1") if c.position == 6 else c for c in cells]
    records = [
        record("model", "train"),
        record("check.score", "check", "metric"),
        record("cell 5", "load", "printed"),
        record("cell 6", "train", "printed"),
        record("gone", "train"),
        record("rows", "away"),
    ]
    found, others = carry_over(small(), "small/3", records, changed)
    assert others == ("cell 6", "gone", "rows")
    assert [each.name for each in found.acceptances] == ["model", "check.score", "cell 5"]
    accepting = found.of(random("train", "model"))
    assert accepting is not None
    assert str(accepting) == "accepted as `model` by ada 2026-01-02, carried over from small/3"
    assert accepting.to_dict()["release"] == "small/3"
    assert found.of(random("load", "cell 5", "printed"))


def test_what_is_carried_over_accepts_nothing_new() -> None:
    found, _ = carry_over(small(), "small/3", [record("model", "train")], cells_of(small()))
    assert found.of(different("train", "model")) is None  # it was random then
    assert found.of(random("check", "model", "serving")) is None
    both = Accepted((Acceptance("model", "bob", "now"),)).joined(found)
    accepting = both.of(different("train", "model"))
    assert accepting is not None
    assert accepting.by == "bob"
