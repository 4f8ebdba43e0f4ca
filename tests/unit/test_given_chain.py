"""A chain on the command line: which word names it, and how its notebooks are given values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from jupyter_mlops.faces.cli import main
from jupyter_mlops.faces.magics import _with_notebook
from tests.chained import write_documented


def call(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


def code_of(*words: str) -> str:
    found: dict[str, Any] = json.loads(call(*words, "--json").stdout.splitlines()[-1])
    assert found["stage"] == "error", found
    return str(found["data"]["code"])


@pytest.fixture
def root(project_root: Path) -> Path:
    write_documented(project_root)
    return project_root


def test_a_chain_is_shown_by_its_name(root: Path) -> None:
    shown = call("pipeline", "churn")
    assert shown.exit_code == 0, shown.output
    assert "report    report.ipynb   prepare, linear, curved" in shown.output
    assert "table as a file" in shown.output
    assert "it has not run yet" in call("run", "churn", "--list").output


def test_a_file_of_that_name_wins(root: Path) -> None:
    (root / "churn").write_text("{}")
    assert code_of("pipeline", "churn") == "notebook.invalid"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("pipeline", "chrun"), "notebook.missing"),
        (("run", "nothing.ipynb"), "notebook.missing"),
        (("run", "churn", "-p", "degree=3"), "parameters.form"),
        (("run", "churn", "-p", "linear.=3"), "parameters.form"),
        (("run", "churn", "-p", "linar.degree=3"), "chain.node"),
        (("run", "churn", "-p", "linear.degree=9"), "parameters.limits"),
        (("run", "churn", "-p", "linear.degree=2", "-p", "linear.degre=2"), "parameters.unknown"),
        (("run", "churn", "-f", "nested.yaml"), "parameters.limits"),
        (("run", "churn", "-f", "flat.yaml"), "parameters.file"),
        (("run", "churn", "--resume"), "run.nothing-failed"),
        (("run", "churn", "--resume", "xyz"), "run.unknown"),
    ],
)
def test_what_is_wrong_is_told(root: Path, words: tuple[str, ...], code: str) -> None:
    (root / "nested.yaml").write_text("linear:\n  degree: 9\n")
    (root / "flat.yaml").write_text("degree: 2\n")
    assert code_of(*words) == code
    assert not (root / ".mlops" / "chains").exists(), "something was started"


def test_in_a_notebook_a_name_is_that_of_a_chain() -> None:
    assert _with_notebook(["run", "churn", "-p", "a.b=1"]) == ["run", "churn", "-p", "a.b=1"]
    assert _with_notebook(["run", "x.ipynb"]) == ["run", "x.ipynb"]
