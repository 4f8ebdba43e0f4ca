"""Suggested tags: what they say of real notebooks, and that they always compile."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.notebook.document import Cell, Notebook, read
from jupyter_mlops.pipeline import suggestion
from jupyter_mlops.pipeline.compile import compile_notebook
from jupyter_mlops.pipeline.sketch import Group, Sketch
from jupyter_mlops.pipeline.study import Study
from jupyter_mlops.pipeline.suggestion import SuggestedTag, suggest, with_tags
from tests import tutorials
from tests.cell_programs import programs
from tests.programs import compare, notebook

FLIGHTS = Path(__file__).resolve().parents[2] / "notebooks" / "flights.ipynb"
Found = dict[int, list[str]]


def book(*cells: tuple[str, str]) -> Notebook:
    """Make a notebook of (kind, source) pairs, ``md`` or ``code``, or of (tags, source)."""
    made = tuple(
        Cell(
            f"c{number}",
            number,
            "markdown" if kind == "md" else "code",
            source,
            () if kind in ("md", "code") else tuple(kind.split()),
        )
        for number, (kind, source) in enumerate(cells, 1)
    )
    path = Path("book.ipynb")
    return Notebook(path, path.name, made, "python3", "python")


def tags_of(suggested: tuple[SuggestedTag, ...]) -> Found:
    found: Found = {}
    for each in suggested:
        found.setdefault(each.cell.position, []).append(each.tag)
    return found


def reasons_of(suggested: tuple[SuggestedTag, ...]) -> dict[int, str]:
    return {each.cell.position: each.reason for each in reversed(suggested)}


def test_flights_gets_its_tags_back() -> None:
    real = read(FLIGHTS)
    bare = replace(real, cells=tuple(replace(cell, tags=()) for cell in real.cells))
    found = tags_of(suggest(bare))
    compile_notebook(with_tags(bare, suggest(bare)))
    for cell in real.code_cells:
        wanted = ["skip"] if "step:explore" in cell.tags else list(cell.tags)
        assert found[cell.position] == wanted, cell.position


def test_houses() -> None:
    suggested = suggest(book(*tutorials.HOUSES))
    assert tags_of(suggested) == {
        2: ["imports"],
        3: ["parameters"],
        5: ["step:load"],
        6: ["skip"],
        7: ["skip"],
        9: ["skip"],
        10: ["skip"],
        12: ["step:features"],
        13: ["step:features"],
        15: ["step:train"],
        17: ["step:evaluate", "metrics"],
        18: ["step:evaluate"],
        20: ["serve"],
    }
    reasons = reasons_of(suggested)
    assert reasons[2] == "only imports"
    assert reasons[3] == "assigns constants that cells 13 and 15 read"
    assert reasons[5] == "makes `df`"
    assert reasons[6] == "only shows `df`"
    assert reasons[15] == "fits `model`"
    assert reasons[20] == "answers example rows with `predict`"


def test_without_headings_the_work_gives_the_names() -> None:
    assert tags_of(suggest(book(*tutorials.NO_HEADINGS))) == {
        1: ["imports"],
        2: ["step:load"],
        3: ["skip"],
        4: ["step:split"],
        5: ["step:train"],
        6: ["step:evaluate", "metrics"],
        7: ["serve"],
    }


def test_two_models_are_told_apart_by_their_headings() -> None:
    suggested = suggest(book(*tutorials.TWO_MODELS))
    assert tags_of(suggested) == {
        2: ["imports"],
        3: ["functions"],
        5: ["step:load"],
        7: ["step:logistic-regression"],
        9: ["step:decision-tree"],
        11: ["step:evaluate", "metrics"],
    }
    assert "in a cell of its own `SEED` could be a parameter" in reasons_of(suggested)[2]


def test_files_are_work_even_where_nobody_reads_what_it_makes() -> None:
    suggested = suggest(book(*tutorials.FILES))
    assert tags_of(suggested) == {
        2: ["skip"],
        3: ["imports"],
        4: ["parameters"],
        5: ["functions"],
        6: ["step:save"],
        7: ["step:load"],
        8: ["skip"],
        9: ["skip"],
        10: ["step:load"],
        11: ["step:save-2"],
    }
    assert reasons_of(suggested)[7] == "reads `sales.csv` and makes `sales` and `label`"


@pytest.mark.parametrize("name", tutorials.ALL)
def test_tutorials_compile(name: str) -> None:
    found = book(*tutorials.ALL[name])
    pipeline = compile_notebook(with_tags(found, suggest(found)))
    assert not [n for n in pipeline.notices if "has no" in n.message]


@pytest.mark.parametrize(
    "source",
    [
        "df.head()",
        "df",
        "df.shape, df.columns",
        "df.info()\ndf.describe().T",
        "print(df.isna().sum())",
        "df?",
        "%timeit df.sum()",
        "%whos",
        "help(df)",
        "sns.pairplot(df)\nplt.show()",
        "fig, ax = plt.subplots()\nax.plot(df['a'])\nax.set_title('a')\nfig.tight_layout()",
        "for column in df:\n    plt.hist(df[column])\n    plt.title(column)",
        "def look(frame):\n    return frame.groupby('a').mean()\n\nlook(df)",
        "df.plot.bar()",
    ],
)
def test_what_only_shows_is_skipped(source: str) -> None:
    imports = "import pandas as pd\nimport seaborn as sns\nimport matplotlib.pyplot as plt"
    found = book(
        ("code", imports),
        ("code", "df = pd.read_csv('a.csv')"),
        ("code", source),
        ("code", "total = df.sum()"),
    )
    assert tags_of(suggest(found))[3] == ["skip"]


@pytest.mark.parametrize(
    "source",
    [
        "small = df.head()",  # read below
        "df['b'] = 1",
        "df.sort_values('a', inplace=True)",
        "df.to_csv('b.csv')",
        "plt.hist(df['a'])\nplt.savefig('a.png')",
        "!ls",
        "requests.post('http://localhost', df.to_json())",
        "client.send(df.head())",
        "for worker in workers:\n    worker.start()",
        "c = client\nc.launch()",
        "print(next(rows))",
        "df.sample(3)",
        "np.random.rand(3)",
        "assert len(df) > 3",
        "del other\ndf.head()",
        "unknown(df)",
        "df.apply(register)",
        "plt.rcParams['figure.dpi'] = 300\nplt.show()",
        "exec('df = 1')",
    ],
)
def test_what_does_more_than_show_is_never_skipped(source: str) -> None:
    imports = (
        "import numpy as np\nimport pandas as pd\nimport requests\n"
        "import matplotlib.pyplot as plt\nfrom jobs import client, workers, register, unknown"
    )
    found = book(
        ("code", imports),
        ("code", "df = pd.read_csv('a.csv')\nsmall = df\nother = 1\nrows = iter([1, 2])"),
        ("code", source),
        ("code", "total = df.sum() + small.sum()\nfollowing = list(rows), np.random.rand()"),
    )
    assert "skip" not in tags_of(suggest(found))[3]


def test_parameters_are_plain_constants_that_nothing_changes() -> None:
    found = book(
        ("code", "count = 0\nresults = []"),
        ("code", "rate = 0.1\nname: str = 'x'"),
        ("code", "unread = 3"),
        ("code", "count += 1\nresults.append(rate)\nprint(name)"),
        ("code", "print(results, count)"),
    )
    suggested = tags_of(suggest(found))
    assert suggested[2] == ["parameters"]
    assert "parameters" not in suggested[1] + suggested[3]


def test_a_cell_that_mixes_roles_is_told_so() -> None:
    found = book(
        ("code", "import pandas as pd"),
        ("code", "limit = 3\npath = 'a.csv'\ndf = pd.read_csv(path)"),
        ("code", "df = df.head(limit)\nprint(path)"),
    )
    reason = reasons_of(suggest(found))[2]
    assert "in a cell of their own `limit` and `path` could be parameters" in reason


def test_functions_that_need_data_at_once_are_no_functions_cell() -> None:
    found = book(
        ("code", "data = list(range(3))"),
        ("code", "def late():\n    return data"),
        ("code", "def early(rows=data):\n    return rows"),
        ("code", "print(late(), early())"),
    )
    suggested = tags_of(suggest(found))
    assert suggested[2] == ["functions"]
    assert suggested[3] != ["functions"]


def test_tags_that_are_there_stay_and_the_rest_joins_them() -> None:
    found = book(
        ("code", "import math"),
        ("step:mine", "x = math.pi"),
        ("code", "y = x + 1"),
        ("metrics", "accuracy = y / 10"),
        ("step:other", "print(y)"),
    )
    assert tags_of(suggest(found)) == {1: ["imports"], 3: ["step:mine"], 4: ["step:mine"]}


def test_nothing_to_suggest() -> None:
    assert suggest(notebook(("imports", "import math"), ("step:a", "x = math.pi"))) == ()


def test_steps_that_cannot_do_without_each_other_become_one() -> None:
    found = book(
        ("code", "first = [1]"),
        ("code", "rows = [1]"),
        ("code", "other = rows"),
        ("code", "rows = [2]"),
        ("code", "last = rows + other"),
        ("code", "print(last, first)"),
    )
    study = Study(found)
    # Two steps that go on after each other, which no pipeline can have.
    groups = [Group([0], name="a"), Group([1, 3], name="b"), Group([2, 4], name="c")]
    draft = Sketch(study, groups=[*groups, Group([5], name="d")])
    suggested = suggestion._merge(study, draft)
    assert tags_of(suggested) == {
        1: ["step:a"],
        2: ["step:b"],
        3: ["step:b"],
        4: ["step:b"],
        5: ["step:b"],
        6: ["step:d"],
    }
    reason = "one step with cells 3, 4 and 5, which work on the same objects"
    assert reason in reasons_of(suggested)[2]
    assert compare_tagged(found, suggested) is None


@pytest.mark.parametrize(
    ("source", "code"),
    [("x = (", "pipeline.syntax"), ("print(never_made)", "pipeline.undefined-name")],
)
def test_what_no_tags_can_mend_is_told(source: str, code: str) -> None:
    with pytest.raises(MlopsError) as caught:
        suggest(book(("code", "y = 1"), ("code", source)))
    assert caught.value.code == code
    assert caught.value.place is not None
    assert caught.value.place.cell == 2


def test_an_example_that_may_be_no_frame_is_not_served() -> None:
    found = book(
        ("code", "from sklearn.linear_model import Ridge"),
        ("code", "X, y = [[1], [2]], [1, 2]"),
        ("code", "model = Ridge().fit(X, y)"),
        ("code", "model.predict([[3]])"),
    )
    assert "serve" not in tags_of(suggest(found))[4]


def compare_tagged(found: Notebook, suggested: tuple[SuggestedTag, ...]) -> MlopsError | None:
    """Run the tagged notebook's code as a notebook and as its pipeline, and compare."""
    tagged = with_tags(found, suggested)
    return compare([(" ".join(cell.tags), cell.source) for cell in tagged.code_cells])


HEADINGS = ("", "", "## Load the data", "## Clean", "# Model", "## How good is it?", "### Save it")


@given(programs(), st.lists(st.sampled_from(HEADINGS), min_size=20, max_size=20))
@settings(max_examples=60, deadline=None)
def test_random_notebooks_become_pipelines_that_are_equal(
    program: list[tuple[str, str]], headings: list[str]
) -> None:
    cells: list[tuple[str, str]] = []
    for heading, (_, source) in zip(headings, program, strict=False):
        cells += [("md", heading)] if heading else []
        cells.append(("code", source))
    found = book(*cells)
    assert compare_tagged(found, suggest(found)) is None


def test_as_json() -> None:
    suggested = suggest(book(*tutorials.HOUSES))
    first = json.loads(json.dumps([each.to_dict() for each in suggested]))[0]
    assert first == {"cell": 2, "cell_id": "c2", "tag": "imports", "reason": "only imports"}
