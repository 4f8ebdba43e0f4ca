"""What may follow ``%mlops``, without a kernel."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jupyter_mlops.faces.completion import possible_words
from jupyter_mlops.faces.help import verbs


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with two runs, the second one newer, and notebooks here and one folder down."""
    monkeypatch.delenv("JUPYTER_MLOPS_PROJECT", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mlops.toml").write_text("")
    for second, name in enumerate(("iris-old", "iris-new"), 1):
        folder = tmp_path / ".mlops" / "journal" / name
        folder.mkdir(parents=True)
        os.utime(folder, (second, second))
    for name in ("iris.ipynb", "deep/wine.ipynb", "my notes.ipynb", ".hidden/no.ipynb", "a.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    return tmp_path


def test_verbs_come_first_in_the_order_of_the_help() -> None:
    assert possible_words(False, [], "") == list(verbs())
    assert possible_words(False, [], "sta") == ["status", "start"]


def test_options_of_a_verb_that_do_not_stand_there_yet() -> None:
    assert "--limit" in possible_words(False, ["runs"], "--")
    assert "--limit" not in possible_words(False, ["runs", "--limit", "3"], "--")
    assert possible_words(False, ["fly"], "--") == []


def test_runs_are_the_newest_first(project: Path) -> None:
    assert possible_words(False, ["show"], "") == ["latest", "iris-new", "iris-old"]
    assert possible_words(False, ["note", "--run"], "iris-o") == ["iris-old"]
    assert possible_words(False, ["note"], "iris") == []


def test_notebooks_here_and_below(project: Path) -> None:
    found = possible_words(False, ["rerun"], "")
    assert found == ["iris.ipynb", '"my notes.ipynb"', "deep/wine.ipynb"]
    assert possible_words(False, ["rerun"], "deep/") == ["deep/wine.ipynb"]


def test_pipelines_stand_beside_notebooks(project: Path) -> None:
    (project / "mlops.toml").write_text('[[pipeline]]\nname = "churn"\n')
    assert possible_words(False, ["run"], "")[:2] == ["churn", "iris.ipynb"]
    assert possible_words(False, ["run", "churn"], "chu") == []
    assert possible_words(False, ["rerun"], "chu") == []
    (project / "mlops.toml").write_text("[[pipeline]\n")
    assert possible_words(False, ["pipeline"], "")[0] == "iris.ipynb"


def test_a_project_without_runs_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_MLOPS_PROJECT", str(tmp_path))
    assert possible_words(False, ["show"], "x") == []
    assert list(tmp_path.iterdir()) == []


def test_words_of_a_cell() -> None:
    assert possible_words(True, [], "s") == ["step", "serve", "skip"]
    assert possible_words(True, ["step"], "") == []
    assert possible_words(True, ["step", "train"], "--") == ["--after"]
