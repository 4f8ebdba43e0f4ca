"""Untagged cells join the step that they share variables with, and the pipeline stays equal."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.pipeline.compile import compile_notebook
from jupyter_mlops.pipeline.model import Pipeline
from tests.cell_programs import PLAIN, TABLES, Language, programs
from tests.programs import Cells, compare, compiled, notebook

LOAD = ("step:load", "df = {'x': [1, 2]}")
TRAIN = ("step:train", "model = sum(df['x'])")


def steps(*cells: tuple[str, str]) -> dict[str, list[int]]:
    pipeline = compile_notebook(notebook(*cells))
    assert compare(list(cells)) is None
    return {step.name: [cell.position for cell in step.cells] for step in pipeline.steps}


def notices(*cells: tuple[str, str]) -> list[str]:
    return [notice.message for notice in compile_notebook(notebook(*cells)).notices]


JOINED: dict[str, tuple[list[tuple[str, str]], str, str]] = {
    "it changes what a step made": (
        [LOAD, ("step:other", "n = 1"), ("", "df['y'] = 3"), ("step:end", "print(df, n)")],
        "load",
        "whose `df` it changes",
    ),
    "it uses what a step made": (
        [LOAD, ("step:other", "n = 1"), ("", "size = len(df)"), ("step:end", "print(size, n)")],
        "load",
        "whose `df` it uses",
    ),
    "the nearest one of two": (
        [LOAD, TRAIN, ("", "score = model / len(df)"), ("step:end", "print(score)")],
        "train",
        "whose `model` it uses",
    ),
    "a step after it uses what it makes": (
        [LOAD, ("", "depth = 2"), ("step:train", "model = len(df) * depth")],
        "train",
        "which uses its `depth`",
    ),
    "a step far after it": (
        [LOAD, ("", "depth = 2"), TRAIN, ("step:end", "print(model, depth)")],
        "end",
        "which uses its `depth`",
    ),
    "before all steps": (
        [("", "depth = 2"), LOAD, ("step:train", "model = len(df) * depth")],
        "train",
        "which uses its `depth`",
    ),
    "through another untagged cell": (
        [LOAD, ("", "depth = 2"), ("", "size = depth + 1"), ("step:train", "len(df) * size")],
        "train",
        "which uses its `depth`",
    ),
    "through a function": (
        [
            LOAD,
            ("", "depth = 2"),
            ("functions", "def fit():\n    return depth + 1"),
            ("step:train", "model = fit()"),
        ],
        "train",
        "which uses its `depth`",
    ),
    "nobody shares anything with it": (
        [LOAD, TRAIN, ("", "print('half way')"), ("step:end", "print(model)")],
        "train",
        "joins the step `train` before it",
    ),
    "nobody does, and it is the first": (
        [("", "print('start')"), LOAD, TRAIN],
        "load",
        "joins the step `load`, the first one",
    ),
    "a step between would see its change": (
        [LOAD, TRAIN, ("", "df['x'].append(9)"), ("step:end", "print(df, model)")],
        "train",
        "joins the step `train` before it",
    ),
    "it would overwrite what a step between wants": (
        [
            ("step:load", "df, n = [1], 5"),
            ("step:train", "model = n + 1"),
            ("", "n = len(df)"),
            ("step:end", "print(model, n)"),
        ],
        "train",
        "joins the step `train` before it",
    ),
    "files are not touched in another order": (
        [
            LOAD,
            ("step:save", "from pathlib import Path\nn = Path('size.txt').write_text('1')"),
            ("", "print(len(df), Path('size.txt').read_text())"),
        ],
        "save",
        "joins the step `save` before it",
    ),
    "Kale's tags": (
        [LOAD, ("step:train prev:load", "model = sum(df['x'])"), ("", "size = len(df)")],
        "train",
        "joins the step `train` before it",
    ),
    "a tag that orders it": (
        [LOAD, TRAIN, ("after:load", "size = len(df)")],
        "train",
        "joins the step `train` before it",
    ),
}


@pytest.mark.parametrize(("cells", "step", "words"), JOINED.values(), ids=JOINED.keys())
def test_an_untagged_cell_joins(
    cells: list[tuple[str, str]], step: str, words: str, in_folder: None
) -> None:
    position = next(n for n, (tags, _) in enumerate(cells, 1) if tags in ("", "after:load"))
    assert position in steps(*cells)[step]
    assert any(f"cell {position} has" in each and words in each for each in notices(*cells))


@pytest.fixture
def in_folder(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(str(tmp_path))


def test_cells_that_only_import_or_define_belong_to_no_one_step() -> None:
    cells = [
        LOAD,
        ("", "import math"),
        ("", "def half(v):\n    return math.floor(v / 2)"),
        ("", "class Model:\n    '''A model.'''\n    size: int = 1"),
        ("step:left", "left = half(3)"),
        ("step:right", "right = (half(5), Model.size)"),
        ("step:end", "print(left, right, df)"),
    ]
    assert compare(cells) is None
    pipeline = compile_notebook(notebook(*cells))
    found = {s.name: ([c.position for c in s.prelude], s.upstream) for s in pipeline.steps}
    assert found == {
        "load": ([], ()),
        "left": ([2, 3], ()),
        "right": ([2, 3, 4], ()),
        "end": ([], ("left", "right", "load")),
    } | {"end": ([], pipeline.step("end").upstream)}
    assert notices(*cells) == [
        "cell 2 has no tag; it only imports, and is taken as `imports`",
        "cell 3 has no tag; it only defines `half`, and is taken as `functions`",
        "cell 4 has no tag; it only defines `Model`, and is taken as `functions`",
    ]


@pytest.mark.parametrize(
    "source",
    [
        "def half(v, seen=len(df)):\n    return v",
        "class Model:\n    size = len('ab')",
        "class Model:\n    print('made')",
        "half = lambda v: v",
        "def half(v):\n    return v\nhalf(1)",
    ],
)
def test_definitions_that_do_something_at_once_stay_in_one_step(source: str) -> None:
    found = steps(LOAD, ("", source), ("step:left", "n = 1"), ("step:right", "m = 2"))
    assert [name for name, cells in found.items() if 2 in cells] == ["load"]


def test_settings_between_steps_hold_in_all_steps_after_them() -> None:
    cells = [
        ("imports", "import math\nimport decimal"),
        ("step:a", "x = decimal.Decimal(1)"),
        ("", "decimal.getcontext\ndecimal.DefaultContext.prec = 3\ndecimal.HAVE_THREADS = True"),
        ("", "decimal.DefaultContext.Emax = 99"),
        ("step:b", "y = math.pi"),
        ("step:c", "z = 1"),
    ]
    pipeline = compile_notebook(notebook(*cells))
    held = {step.name: [cell.position for cell in step.prelude] for step in pipeline.steps}
    assert [4 in positions for positions in held.values()] == [False, True, True]


def test_a_cell_of_text_is_shown_by_the_step_before_it() -> None:
    assert steps(LOAD, ("", "'a note'"), TRAIN)["load"] == [1, 2]
    assert steps(("", "'a note'"), LOAD, TRAIN)["load"] == [1, 2]


def test_random_numbers_go_on_in_the_step_that_drew_them() -> None:
    draw = "import random\nrandom.seed(1)\nx = random.random()"
    cells = [("step:a", draw), ("", "y = random.random()"), ("step:b", "print(x, y)")]
    assert steps(*cells)["a"] == [1, 2]
    assert "whose random numbers it goes on with" in notices(*cells)[0]


def test_what_no_step_needs_is_told() -> None:
    found = notices(LOAD, ("", "def unused():\n    pass"), TRAIN)
    assert "no step needs cell 2, so none runs it" in found


def test_imports_that_act_by_themselves_come_along() -> None:
    act = "from sklearn.experimental import enable_iterative_imputer"
    cells = [
        ("", act),
        ("step:a", "x = 1"),
        ("step:b", "from sklearn.impute import IterativeImputer"),
    ]
    pipeline = compile_notebook(notebook(*cells))
    assert [[c.position for c in step.prelude] for step in pipeline.steps] == [[1], [1]]


def test_metrics_cells_join_without_a_word() -> None:
    assert notices(LOAD, ("metrics", "size = len(df)")) == []


def test_a_very_long_run_of_untagged_cells() -> None:
    chain = [("", f"n{k + 1} = n{k} + 1") for k in range(400)]
    cells = [("step:a", "m = 1"), ("", "n0 = 0"), *chain, ("step:b", "print(m, n400)")]
    found = steps(*cells)
    assert sorted(n for cells in found.values() for n in cells) == list(range(1, 404))


# --- random programs ----------------------------------------------------------------------------


@pytest.fixture(scope="module", autouse=True)
def _import_ahead() -> None:
    """Hypothesis does not like what scikit-learn does when a program is the first to import it."""
    import sklearn.linear_model
    import sklearn.pipeline  # noqa: F401


PROGRAMS = int(os.environ.get("PROGRAMS", "100"))
_ANY_SIZE = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
MOVED: list[bool] = []


def _step(tags: str) -> str:
    return next((tag for tag in tags.split() if tag.startswith("step:")), "")


def _without_tags(draw: st.DrawFn, cells: Cells) -> Cells:
    """Remove the tags of some cells, and Kale's, but leave one step."""
    kept = [
        " ".join(tag for tag in tags.split() if not tag.startswith("prev:")) for tags, _ in cells
    ]
    tagged = [number for number, tags in enumerate(kept) if _step(tags)]
    last = draw(st.sampled_from(tagged))
    for number in draw(st.sets(st.sampled_from(range(len(cells))))):
        if number != last and kept[number] != "parameters":
            kept[number] = ""
    names = {_step(tags).partition(":")[2] for tags in kept}
    for number, tags in enumerate(kept):
        kept[number] = " ".join(
            tag for tag in tags.split() if not tag.startswith("after:") or tag[6:] in names
        )
    return [(tags, source) for tags, (_, source) in zip(kept, cells, strict=True)]


@st.composite
def partly_tagged(draw: st.DrawFn, language: Language) -> Cells:
    return _without_tags(draw, draw(programs(language)))


def _tagged_by_position(cells: Cells) -> Cells:
    """Write the tag of the step before them on untagged cells."""
    current = first = next(_step(tags) for tags, _ in cells if _step(tags))
    found: Cells = []
    for tags, source in cells:
        current = _step(tags) or current
        has_role = _step(tags) or {"imports", "functions", "parameters"} & {*tags.split()}
        found.append((tags if has_role else f"{tags} {current or first}".strip(), source))
    return found


def _check(cells: Cells) -> None:
    refusal = compare(cells)
    by_position = compiled(notebook(*_tagged_by_position(cells)))
    if refusal is not None:
        assert isinstance(by_position, MlopsError), refusal
        return
    pipeline = compiled(notebook(*cells))
    assert isinstance(pipeline, Pipeline)
    everywhere = {c.position for s in pipeline.steps for c in (*s.prelude, *s.cells)}
    told = {notice.place.cell for notice in pipeline.notices}
    untagged = {n for n, (tags, source) in enumerate(cells, 1) if not tags}
    assert untagged <= everywhere | told
    MOVED.append(any("before it" not in each.message for each in pipeline.notices))


@settings(max_examples=PROGRAMS, deadline=None, suppress_health_check=_ANY_SIZE)
@given(partly_tagged(PLAIN))
def test_programs_with_tags_removed_still_equal_the_notebook(cells: Cells) -> None:
    _check(cells)


@settings(max_examples=PROGRAMS // 3, deadline=None, suppress_health_check=_ANY_SIZE)
@given(partly_tagged(TABLES))
def test_tables_with_tags_removed_still_equal_the_notebook(cells: Cells) -> None:
    _check(cells)


def test_dataflow_had_a_say() -> None:
    if len(MOVED) < 60:
        pytest.skip("too few programs were tried")
    assert any(MOVED)
