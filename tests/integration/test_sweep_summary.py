"""The summary notebook of a real sweep, executed again on a real kernel."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbclient import NotebookClient

from jupyter_mlops.progress import drain
from jupyter_mlops.sweeps import sweep
from tests.support import write_notebook

CELLS = [
    ("parameters", "depth = 1  # 1..9\nkind = 'gini'"),
    ("metrics", "auc = depth / (10 if kind == 'gini' else 7 - depth)"),
]


def test_the_summary_shows_the_same_when_it_is_run_again(project_root: Path) -> None:
    path = write_notebook(project_root / "train.ipynb", CELLS)
    found = drain(sweep(path, {"depth": "1,3,7", "kind": "gini,log"}))
    assert found.count("failed") == 1  # a division by zero
    written = nbformat.read(found.head.summary, as_version=4)
    again = nbformat.read(found.head.summary, as_version=4)
    folder = str(Path(found.head.summary).parent)
    NotebookClient(again, resources={"metadata": {"path": folder}}, timeout=60).execute()
    sources = [cell.source for cell in written.cells if cell.cell_type == "code"]
    assert sources[1] == "tables.best(sweep)"
    assert sources[-1] == "tables.failures(sweep)"
    assert "plots.heat_map(sweep, 'depth', 'kind')" in sources
    for before, after in zip(written.cells, again.cells, strict=True):
        assert before.get("outputs") == after.get("outputs")
    best = written.cells[3].outputs[0].data["text/html"]
    assert "-p depth=3 -p kind=log" in best
    failed = written.cells[-1].outputs[0].data["text/html"]
    assert "ZeroDivisionError" in failed
    linked = failed.partition('href="')[2].partition('"')[0]
    assert (Path(folder) / linked).is_file()
