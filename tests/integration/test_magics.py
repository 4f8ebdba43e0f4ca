"""``%mlops`` in a real kernel."""

from __future__ import annotations

from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from tests.support import write_notebook

CELLS = [
    ("", "%load_ext jupyter_mlops"),
    ("parameters", "depth = 3"),
    ("metrics", "score = depth / 4"),
    ("", "%mlops"),
    ("", "%mlops runs"),
    ("", "%mlops show"),
    ("raises-exception", "%mlops promote"),
    ("raises-exception", "%mlops fly"),
    ("", "%mlops --help"),
]


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    root = tmp_path_factory.mktemp("magics")
    (root / "mlops.toml").write_text("")
    path = write_notebook(root / "nb.ipynb", CELLS)
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, resources={"metadata": {"path": str(root)}}, timeout=120)
    with pytest.MonkeyPatch.context() as patch:
        # Jupyter Server names a kernel's notebook so.
        patch.setenv("JPY_SESSION_NAME", str(path))
        for name in ("JUPYTER_MLOPS_PROJECT", "JUPYTER_MLOPS_RUN", "MLFLOW_TRACKING_URI"):
            patch.delenv(name, raising=False)
        client.execute()
    return notebook


def _html(cell: Any) -> str:
    return "".join(output["data"].get("text/html", "") for output in cell.outputs)


def test_the_status_names_the_run(executed: Any) -> None:
    assert "nb-20" in _html(executed.cells[3])


def test_runs_and_show_are_tables_with_what_was_captured(executed: Any) -> None:
    runs, shown = _html(executed.cells[4]), _html(executed.cells[5])
    assert "<table>" in runs
    assert "nb.ipynb" in runs
    assert "score" in shown
    assert "0.75" in shown
    assert "depth" in shown


def test_an_error_is_one_message_without_our_stack(executed: Any) -> None:
    for cell, words in [(executed.cells[6], "pipeline.no-tags"), (executed.cells[7], "fly")]:
        error = next(output for output in cell.outputs if output.output_type == "error")
        assert words in "\n".join(error.traceback)
        assert "jupyter_mlops/" not in "\n".join(error.traceback)


def test_help_lists_the_verbs(executed: Any) -> None:
    assert "retrain" in executed.cells[8].outputs[0]["text"]
