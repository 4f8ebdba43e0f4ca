"""Threads of processes that work side by side do not spin."""

from __future__ import annotations

import os

import pytest

from jupyter_mlops._calm import calm
from jupyter_mlops.notebook.document import Notebook
from jupyter_mlops.pipeline.targets.local import step_environment
from jupyter_mlops.project import Project
from jupyter_mlops.rerun.order import Order
from tests.programs import notebook


def order(book: Notebook) -> Order:
    return Order(Project(book.path.parent), book, "run")


def test_steps_and_reruns_are_calm(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT"):
        monkeypatch.delenv(name, raising=False)
    for environment in (step_environment(), order(notebook(("", "1"))).environment()):
        assert environment["OMP_WAIT_POLICY"] == "passive"
        assert environment["PATH"] == os.environ["PATH"]


@pytest.mark.parametrize("said", [{"OMP_WAIT_POLICY": "active"}, {"GOMP_SPINCOUNT": "7"}])
def test_what_the_user_says_counts(said: dict[str, str]) -> None:
    assert calm(said) == said
