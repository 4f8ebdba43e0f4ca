"""The corpus in one process: as a pipeline each notebook is equal to its true result, or refused.

What needs kernels is in ``tests/integration/test_corpus.py``.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.notebook.document import Notebook
from jupyter_mlops.notebook.ghosts import find_ghosts
from jupyter_mlops.pipeline.compile import compile_notebook
from jupyter_mlops.pipeline.model import Pipeline
from jupyter_mlops.pipeline.suggestion import suggest
from jupyter_mlops.readiness.check import check
from tests.corpus import CASES, Case, check_notices, check_shape
from tests.programs import new_namespace, notebook, run, run_step

READABLE = [case for case in CASES if not case.unreadable_here]
COMPILED = [case for case in READABLE if case.runs or case.at_run]
REFUSED = [case for case in READABLE if not case.runs and not case.at_run]


def named(case: Case) -> str:
    return case.name


def test_there_are_enough_of_them() -> None:
    assert len(CASES) >= 65


@pytest.mark.parametrize("case", COMPILED, ids=named)
def test_it_compiles_to_what_is_expected(case: Case) -> None:
    pipeline = compile_notebook(case.book)
    if not case.at_run:
        check_shape(case, pipeline)
        check_notices(case, pipeline.notices)


@pytest.mark.parametrize(
    "case", [case for case in COMPILED if case.runs and not case.needs_kernel], ids=named
)
@pytest.mark.filterwarnings("ignore")
def test_what_is_true_holds_in_the_notebook_and_in_the_last_step(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Some cells write files.
    monkeypatch.chdir(tmp_path)
    book = notebook(*case.cells())
    whole = new_namespace()
    for cell in book.cells:
        if "skip" not in cell.tags:
            run(cell, whole)
        if {"parameters", "pipeline-parameters"} & set(cell.tags):
            whole.update(deepcopy(case.given))
    pipeline = with_values(compile_notebook(book), case.given)
    for step in pipeline.steps:
        run_step(pipeline, step, tmp_path)


@pytest.mark.parametrize("case", [c for c in REFUSED if c.expect != "checked"], ids=named)
def test_it_is_refused_with_the_place_and_the_reason(case: Case) -> None:
    code, position = case.refusal
    if code == "promote.hidden-state":
        ghost = find_ghosts(case.book, case.kernel)[0]
        assert ghost.place.cell == position
        assert case.one("says") in f"{ghost.message} {ghost.fix}"
        return
    with pytest.raises(MlopsError) as caught:
        compile_notebook(case.book)
    assert caught.value.code == code
    assert caught.value.place is not None
    assert caught.value.place.cell == position
    for words in case.head.get("says", []):
        assert words in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize("case", [c for c in READABLE if "finds" in c.head], ids=named)
def test_its_readiness(case: Case, tmp_path: Path) -> None:
    book = replace(case.book, path=tmp_path / "book.ipynb")
    found = [(each.rule, str(each.place.cell)) for each in check(book).findings]
    assert found == case.pairs_of("finds")


@pytest.mark.parametrize("case", [c for c in CASES if c.expect == "suggested"], ids=named)
def test_its_own_tags_are_suggested(case: Case) -> None:
    plain = tuple(replace(cell, tags=()) for cell in case.book.cells)
    suggested = suggest(replace(case.book, cells=plain))
    tags: dict[int, set[str]] = {cell.position: set() for cell in plain}
    for each in suggested:
        tags[each.cell.position].add(each.tag)
        assert each.reason
    assert tags == tags_of(case.book)


def tags_of(book: Notebook) -> dict[int, set[str]]:
    return {cell.position: set(cell.tags) for cell in book.cells}


def with_values(pipeline: Pipeline, given: dict[str, Any]) -> Pipeline:
    """Return the pipeline with other values of its parameters."""
    parameters = tuple(
        replace(each, default=given.get(each.name, each.default)) for each in pipeline.parameters
    )
    return replace(pipeline, parameters=parameters)
