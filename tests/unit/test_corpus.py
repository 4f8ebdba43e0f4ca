"""Small notebooks with their true results: as a pipeline they are equal to it, or refused.

Each file of ``tests/notebooks/cases`` begins with ``# expect: equal`` and, as Python, what is true
after its last cell; or with the code of the refusal and the position of the cell.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.notebook.document import Notebook
from jupyter_mlops.pipeline.compile import compile_notebook
from tests.programs import new_namespace, notebook, run, run_step

CASES = sorted((Path(__file__).parent.parent / "notebooks" / "cases").glob("*.py"))


def read(path: Path) -> tuple[str, str, Notebook]:
    """Return what is expected, what is true, and the notebook."""
    head, *cells = path.read_text().split("# %%")
    lines = dict(line[2:].split(": ", 1) for line in head.splitlines() if ": " in line)
    pairs = [cell.partition("\n") for cell in cells]
    book = notebook(*((tags.strip(), source.rstrip("\n")) for tags, _, source in pairs))
    return lines["expect"], lines.get("true", ""), book


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_equal_to_the_notebook_or_refused(path: Path, tmp_path: Path) -> None:
    expect, true, book = read(path)
    if expect != "equal":
        code, position = expect.split()
        with pytest.raises(MlopsError) as caught:
            compile_notebook(book)
        assert caught.value.code == code
        assert caught.value.place is not None
        assert caught.value.place.cell == int(position)
        return
    whole = new_namespace()
    for cell in book.cells:
        if not {"skip", "test"} & set(cell.tags):
            run(cell, whole)
    if true:
        assert eval(true, whole), "the case itself is wrong"
    pipeline = compile_notebook(book)
    last: dict[str, Any] = {}
    for step in pipeline.steps:
        last = run_step(pipeline, step, tmp_path)
    if true:
        assert eval(true, last)
