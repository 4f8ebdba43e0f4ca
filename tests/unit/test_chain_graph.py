"""The graph of a chain as ``mlops.toml`` states it."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.chains.graph import Chain, chain_names, read_chain
from jupyter_mlops.errors import MlopsError
from jupyter_mlops.project import Project
from jupyter_mlops.settings import ChainedNotebook, ChainSettings, Settings

DIAMOND = """
[[pipeline]]
name = "churn"

[[pipeline.notebook]]
path = "report.ipynb"
parameters = { left = "${left.score}", right = "${right.score}" }

[[pipeline.notebook]]
path = "sub folder/prepare v2.ipynb"

[[pipeline.notebook]]
path = "train.ipynb"
name = "left"
parameters = { rows = "${prepare-v2.rows}" }

[[pipeline.notebook]]
path = "train.ipynb"
name = "right"
after = ["prepare-v2"]
"""


def chain(root: Path, text: str, name: str = "churn", **given: dict[str, object]) -> Chain:
    (root / "mlops.toml").write_text(text)
    return read_chain(Project.find(root), name, given)


def test_nodes_run_after_what_they_refer_to(project_root: Path) -> None:
    found = chain(project_root, DIAMOND)
    assert found.names == ["prepare-v2", "left", "right", "report"]
    assert found["report"].needs == ("left", "right")
    assert found["right"].needs == ("prepare-v2",)
    assert found["left"].path == project_root / "train.ipynb"
    assert found.below("prepare-v2") == ["left", "right", "report"]
    assert found.below("right") == ["report"]
    assert chain_names(Project.find(project_root)) == ["churn"]


def test_values_from_outside_refer_to_nothing(project_root: Path) -> None:
    found = chain(project_root, DIAMOND, left={"rows": "${costs $5"})
    assert found["left"].needs == ()
    assert found["left"].parameters == {"rows": "$${costs $$5"}


def wrong(root: Path, text: str, name: str = "churn", **given: dict[str, object]) -> MlopsError:
    with pytest.raises(MlopsError) as caught:
        chain(root, text, name, **given)
    assert caught.value.hint
    assert caught.value.place is not None
    return caught.value


@pytest.mark.parametrize(
    ("before", "after", "code", "words", "hint"),
    [
        ("${left.score}", "${lefd.score}", "chain.node", "notebook `report`: `left` refers to "
         "`${lefd.score}`, but `lefd` is no notebook here", "did you mean `left`?"),
        ('after = ["prepare-v2"]', 'after = ["prepar-v2"]', "chain.node",
         "notebook `right`: `after` names `prepar-v2`", "did you mean `prepare-v2`?"),
        ("${left.score}", "${left}", "chain.reference", "in `left`, `${left}` is no reference",
         "docs/chains.md"),
        ('name = "right"', 'name = "left"', "chain.twice", "notebook `left`: two notebooks",
         "another"),
        ('name = "right"', 'name = "r.x"', "chain.name", "notebook `r.x`", "another"),
        ('name = "churn"', 'name = "churn/x"', "chain.unknown", "no pipeline `churn`",
         "did you mean `churn/x`?"),
        ('after = ["prepare-v2"]', 'after = ["report"]', "chain.cycle",
         "wait for each other: ", "an arrow"),
        ('after = ["prepare-v2"]', 'afer = ["prepare-v2"]', "settings.invalid",
         '"churn".notebook."right".afer', "did you mean `after`?"),
        ('path = "report.ipynb"', 'pth = "report.ipynb"', "settings.invalid",
         '"churn".notebook.0.pth: there is no such key', "did you mean `path`?"),
        ('path = "report.ipynb"', 'path = 3', "settings.invalid",
         '"churn".notebook.0.path: Input should be a valid string', "docs/settings.md"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(
    project_root: Path, before: str, after: str, code: str, words: str, hint: str
) -> None:
    error = wrong(project_root, DIAMOND.replace(before, after, 1))
    assert (error.code, words in error.message) == (code, True), str(error)
    assert hint in error.hint
    assert "mlops.toml" in str(error)
    assert "churn" in error.message


def test_a_cycle_is_told_in_its_order(project_root: Path) -> None:
    error = wrong(project_root, DIAMOND.replace('after = ["prepare-v2"]', 'after = ["report"]'))
    cycle = error.message.rpartition(": ")[2].rstrip(".").split(" → ")
    assert cycle[0] == cycle[-1]
    assert {("right", "report"), ("report", "right")} == set(pairwise(cycle))


def test_all_that_is_wrong_is_told_at_once(project_root: Path) -> None:
    text = DIAMOND.replace("${left.", "${lft.").replace("${prepare-v2.", "${prep.")
    error = wrong(project_root, text)
    assert error.code == "chain.wrong"
    assert "`lft`" in error.message
    assert "`prep`" in error.message


def test_a_value_for_no_notebook_is_refused(project_root: Path) -> None:
    error = wrong(project_root, DIAMOND, lef={"rows": 1})
    assert (error.code, error.hint) == ("chain.node", "did you mean `left`?")
    assert wrong(project_root, "", "churn").code == "chain.unknown"
    empty = '[[pipeline]]\nname = "churn"\nnotebook = []\n'
    assert wrong(project_root, empty).code == "chain.empty"


@given(st.data())
def test_any_graph_is_ordered_or_its_cycle_told(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 7))
    names = [f"n{number}" for number in range(count)]
    after = {name: data.draw(st.lists(st.sampled_from(names), max_size=2)) for name in names}
    notebooks = tuple(
        ChainedNotebook(path=f"{name}.ipynb", after=tuple(after[name])) for name in names
    )
    project = Project(Path("nowhere"))
    project._settings = Settings(pipeline=(ChainSettings(name="any", notebook=notebooks),))
    try:
        found = read_chain(project, "any")
    except MlopsError as caught:
        error = caught
    else:
        assert sorted(found.names) == names
        for name in names:
            assert all(found.names.index(each) < found.names.index(name) for each in after[name])
        return
    assert error.code == "chain.cycle"
    cycle = error.message.rpartition(": ")[2].rstrip(".").split(" → ")
    assert all(one in after[other] for one, other in pairwise(cycle))
