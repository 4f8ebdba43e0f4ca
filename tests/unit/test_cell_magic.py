"""``%%mlops step train``: what a cell's first line says of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.notebook.cell_magic import (
    ROLES,
    declared_tags,
    is_declaration,
    joined_tags,
    tags_of,
    without_declaration,
)
from jupyter_mlops.notebook.document import read
from jupyter_mlops.notebook.ipython_syntax import parse_cell
from jupyter_mlops.notebook.observed import source_digest
from jupyter_mlops.pipeline.compile import compile_notebook
from tests.support import SMALL, write_notebook

NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,10}", fullmatch=True)
BODIES = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\r")).filter(
    lambda text: not text.lstrip().startswith("%%")
)


def _line(tags: str) -> str:
    words = [f"step {tag[5:]}" if tag.startswith("step:") else tag for tag in tags.split()]
    return f"%%mlops {' '.join(words)}"


@pytest.mark.parametrize(
    ("source", "tags"),
    [
        ("%%mlops step train\nx = 1", ("step:train",)),
        ("\n\n%%mlops step train", ("step:train",)),
        (
            "%%mlops step train --after load --after=split\n",
            ("step:train", "after:load", "after:split"),
        ),
        ("%%mlops step evaluate metrics", ("step:evaluate", "metrics")),
        ("%%time\n%%mlops serve\n1", ("serve",)),
        ("%%mlops note\nsome words", ()),
        ("%%mlops", ()),
        ("%%mlopsy step train", ()),
        ("%mlops step train", ()),
        ("x = 1\n%%mlops step train", ()),
        ("%%bash\n%%mlops step train", ()),
        ("", ()),
    ],
)
def test_the_first_line_tells_the_tags(source: str, tags: tuple[str, ...]) -> None:
    assert declared_tags(source) == tags


@pytest.mark.parametrize(
    "line", ["fly", "step", "step --after a", "step a --after", "step a b", "serve --fly"]
)
def test_a_line_that_says_something_else_is_refused_by_name(line: str) -> None:
    with pytest.raises(MlopsError, match=f"`%%mlops {line}`") as caught:
        declared_tags(f"%%mlops {line}\nx = 1")
    assert caught.value.code == "cell.magic"
    assert tags_of(f"%%mlops {line}\nx = 1") == ()


@given(NAMES, BODIES)
def test_what_stands_below_keeps_its_lines(name: str, body: str) -> None:
    source = f"%%mlops step {name}\n{body}"
    plain = without_declaration(source)
    assert plain.split("\n")[1:] == body.split("\n")
    assert plain.startswith("# ")
    assert not is_declaration(plain)
    assert source_digest(source) == source_digest(plain)


@given(BODIES)
def test_other_cells_stay_as_they_are(body: str) -> None:
    assert without_declaration(body) == body
    assert joined_tags(("a", "b"), body) == ("a", "b")


@given(st.lists(st.sampled_from(ROLES), unique=True, min_size=1))
def test_tags_of_both_places_are_joined(roles: list[str]) -> None:
    source = f"%%mlops {' '.join(roles)}\n1"
    assert set(joined_tags(("metrics", "mine"), source)) == {"metrics", "mine", *roles}


def test_another_cell_magic_below_stays_the_first_line() -> None:
    assert without_declaration("%%mlops step a\n%%time\nx = 1") == "%%time\nx = 1"


def test_code_below_the_line_is_parsed_with_the_lines_of_the_cell() -> None:
    (statement,) = parse_cell("%%mlops step a\n\nx = 1").body
    assert statement.lineno == 3


def test_a_tagged_notebook_and_one_with_lines_are_one_pipeline(tmp_path: Path) -> None:
    tagged = read(write_notebook(tmp_path / "nb.ipynb"))
    cells = [("", f"{_line(tags)}\n{source}") for tags, source in SMALL]
    written = read(write_notebook(tmp_path / "lines" / "nb.ipynb", cells))
    assert [set(cell.tags) for cell in written.cells] == [set(cell.tags) for cell in tagged.cells]
    one, other = compile_notebook(tagged), compile_notebook(written)
    assert len(one.steps) == len(other.steps) == 5
    for step, same in zip(one.steps, other.steps, strict=True):
        assert (step.name, step.inputs, step.outputs) == (same.name, same.inputs, same.outputs)
        assert (step.parameters, step.metrics) == (same.parameters, same.metrics)
    assert all("%%mlops" not in cell.source for step in other.steps for cell in step.cells)


def test_a_step_in_the_line_and_another_in_the_metadata_are_refused(tmp_path: Path) -> None:
    cells = [("", "x = 1"), ("step:load", "%%mlops step train\ny = x")]
    with pytest.raises(MlopsError, match=r"`step:train`.*`step:load`") as caught:
        read(write_notebook(tmp_path / "nb.ipynb", cells))
    assert caught.value.code == "cell.two-steps"
    assert caught.value.place is not None
    assert caught.value.place.cell == 2


def test_the_sidebar_reads_the_line_as_the_compiler_does() -> None:
    file = Path(__file__).parents[2] / "labextension/src/__tests__/declared.json"
    cases = json.loads(file.read_text())
    assert cases
    for case in cases:
        assert list(tags_of(case["source"])) == case["tags"], case
