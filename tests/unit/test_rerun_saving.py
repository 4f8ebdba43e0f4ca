"""Saving the executed notebook stays cheap, and nothing of the end is lost."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from papermill import engines
from papermill.iorw import load_notebook_node

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.rerun.saving import SparingManager

CELLS, OUTPUT_BYTES = 40, 500_000


@pytest.fixture
def content(tmp_path: Path) -> Any:
    path = tmp_path / "in.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell(str(i)) for i in range(CELLS)]), path)
    return load_notebook_node(str(path))


def test_large_outputs_are_not_written_again_for_every_cell(
    content: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[int] = []

    def count(nb: Any, path: str) -> None:
        text = nbformat.writes(nb)
        written.append(len(text))
        Path(path).write_text(text, encoding="utf-8")

    monkeypatch.setattr(engines, "write_ipynb", count)
    output = tmp_path / "out.ipynb"
    manager = SparingManager(content, output_path=str(output), progress_bar=False)
    manager.notebook_start()
    for index, cell in enumerate(content.cells):
        manager.cell_start(cell, index)
        cell.outputs = [new_output("stream", name="stdout", text="x" * OUTPUT_BYTES)]
        manager.cell_complete(cell, index)
    manager.notebook_complete()

    assert sum(written) < 3 * CELLS * OUTPUT_BYTES
    saved = nbformat.read(output, as_version=4)
    assert all(len(cell.outputs[0].text) == OUTPUT_BYTES for cell in saved.cells)
    assert {cell.metadata.papermill.status for cell in saved.cells} == {"completed"}


def test_a_slow_cell_is_saved_when_it_ends(content: Any, tmp_path: Path) -> None:
    output = tmp_path / "out.ipynb"
    manager = SparingManager(content, output_path=str(output), progress_bar=False)
    manager.notebook_start()
    manager._due = 0.0  # a second has passed
    content.cells[0].outputs = [new_output("stream", name="stdout", text="slow")]
    manager.cell_complete(content.cells[0], 0)
    assert nbformat.read(output, as_version=4).cells[0].outputs[0].text == "slow"


def test_nothing_is_written_where_no_output_was_asked_for(content: Any, tmp_path: Path) -> None:
    manager = SparingManager(content, progress_bar=False)
    manager.notebook_start()
    manager.cell_complete(content.cells[0], 0)
    manager.notebook_complete()
    assert [path.name for path in tmp_path.iterdir()] == ["in.ipynb"]


def test_a_spared_save_is_made_up_for_while_the_next_cell_runs(
    content: Any, tmp_path: Path
) -> None:
    output = tmp_path / "out.ipynb"
    manager = SparingManager(content, output_path=str(output), progress_bar=False)
    manager.notebook_start()
    content.cells[0].outputs = [new_output("stream", name="stdout", text="quick")]
    manager.cell_complete(content.cells[0], 0)
    assert not nbformat.read(output, as_version=4).cells[0].outputs
    manager._due = 0.0  # a second has passed
    asyncio.run(manager.save_late())
    assert nbformat.read(output, as_version=4).cells[0].outputs[0].text == "quick"
    output.unlink()
    asyncio.run(manager.save_late())
    assert not output.exists(), "nothing is new"


@pytest.mark.parametrize(
    ("kept", "hint"), [("/kept.ipynb", "kept as /kept.ipynb"), ("", "nothing has been run")]
)
def test_an_output_that_cannot_be_written_is_told_once(
    content: Any, tmp_path: Path, kept: str, hint: str
) -> None:
    output = tmp_path / "gone" / "out.ipynb"
    manager = SparingManager(content, output_path=str(output), progress_bar=False)
    manager.kept = kept
    with pytest.raises(MlopsError, match=r"out\.ipynb: output folder .* doesn't exist") as caught:
        manager.notebook_start()
    assert caught.value.code == "rerun.not-saved"
    assert hint in caught.value.hint
    manager.notebook_complete()
