"""All processes that run a notebook's cells have one hash seed."""

from __future__ import annotations

import subprocess
import sys

import pytest

from jupyter_mlops._hashes import with_hashes
from jupyter_mlops.deploy.process import _environment as server_environment
from jupyter_mlops.images.dockerfile import training
from jupyter_mlops.pipeline.compile import compile_notebook
from jupyter_mlops.pipeline.targets.local import step_environment
from jupyter_mlops.project import Project
from jupyter_mlops.rerun.order import Order
from tests.programs import notebook

ORDER = "print(list({'red', 'green', 'blue', 'cyan', 'pink', 'teal', 'gold'}), hash('red'))"


def printed(environment: dict[str, str]) -> str:
    command = [sys.executable, "-c", ORDER]
    return subprocess.check_output(command, env=environment, text=True)


def test_the_notebook_its_steps_and_the_server_see_one_order_of_a_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("PYTHONHASHSEED", raising=False)
    book = notebook(("", "1"))
    kernel = Order(Project(book.path.parent), book, "run").environment()
    assert printed(kernel) == printed(step_environment()) == printed(server_environment())


def test_images_have_it_too() -> None:
    pipeline = compile_notebook(notebook(("step:a", "x = 1")))
    assert "    PYTHONHASHSEED=0 \\\n" in training(pipeline, "python:3.11-slim")


def test_what_the_user_says_counts() -> None:
    assert with_hashes({"PYTHONHASHSEED": "7"}) == {"PYTHONHASHSEED": "7"}
