"""The percent format: every cell comes back as it was."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.notebook.document import Cell
from jupyter_mlops.pipeline import script

lines = st.sampled_from(
    [
        "",
        "x = 1",
        "    y",
        "# %% a cell, it says",
        "# \\%% and so on",
        "# \\\\%% twice",
        "# %%",
        "#%%",
        "%%time",
        "%matplotlib inline",
        "!pip list",
        "files = !ls",
        "df?",
        "'''",
        "# %% [cell 1, id=a]",
        "#",
        "# ",
        "ünï = '\u2028'",
        "tab\t",
        "a\x0cb\rc",
        "await go()",
    ]
)
sources = st.lists(lines | st.text(max_size=20)).map("\n".join)
ids = st.from_regex(r"[\w-]{1,8}", fullmatch=True) | st.text(min_size=1, max_size=5)
cells = st.lists(
    st.builds(
        Cell,
        id=ids,
        position=st.integers(1, 99),
        kind=st.just("code"),
        source=sources,
        tags=st.lists(st.sampled_from(["step:a", "] [ipython]", 'quo"te', "ünï"])).map(tuple),
    ),
    max_size=4,
)


@given(cells)
@settings(deadline=None)
def test_every_cell_comes_back(given_cells: list[Cell]) -> None:
    text = script.write(given_cells, "# header")
    assert script.parse(text, name="s.py") == tuple(given_cells)
    assert script.write(script.parse(text, name="s.py"), "# header") == text


@given(cells)
@settings(deadline=None)
def test_a_script_is_python_whatever_its_cells_are(given_cells: list[Cell]) -> None:
    magic = [cell for cell in given_cells if "[ipython]" in script.write([cell]).split("\n")[0]]
    ast.parse(
        script.write(
            [cell for cell in magic if "\r" not in cell.source and cell.source.isprintable()]
        )
    )


def test_a_script_reads_as_editors_expect() -> None:
    text = script.write(
        [
            Cell("a1", 2, "code", "%load_ext jupyter_mlops\nimport math", ("imports",)),
            Cell("b2", 3, "code", "# %% not a cell\nx = math.pi", ("step:load", "metrics")),
        ],
        "# Generated",
    )
    assert text == (
        "# Generated\n"
        "\n"
        '# %% [cell 2, id=a1] [ipython] tags=["imports"]\n'
        "# %load_ext jupyter_mlops\n"
        "# import math\n"
        "\n"
        '# %% [cell 3, id=b2] tags=["step:load", "metrics"]\n'
        "# \\%% not a cell\n"
        "x = math.pi\n"
    )


def test_a_marker_that_cannot_be_read_is_told() -> None:
    with pytest.raises(MlopsError) as caught:
        script.parse("# %% [cell 2, id=a1]\nx\n\n# %% my own cell\n", name="steps/load.py")
    assert caught.value.code == "script.invalid"
    assert str(caught.value.place) == "steps/load.py, line 4"
