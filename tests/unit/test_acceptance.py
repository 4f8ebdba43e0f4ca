"""Differences accepted by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_mlops.errors import MlopsError, Place
from jupyter_mlops.pipeline.acceptance import Accepted, read_accepted
from jupyter_mlops.pipeline.proof import Comparison, Kind, Proof
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
