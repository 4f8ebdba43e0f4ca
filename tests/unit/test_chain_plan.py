"""A chain checked against its notebooks, before anything runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.chains.graph import read_chain
from jupyter_mlops.chains.handing import Refused
from jupyter_mlops.chains.plan import Plan, Wanted, plan, resolved
from jupyter_mlops.errors import MlopsError
from jupyter_mlops.project import Project
from tests.support import write_notebook

PREPARE = [
    ("imports", "import pandas as pd\nfrom pathlib import Path"),
    ("parameters", "month = 1  # 1..12\nlabel = 'x'\npassword = ''\ntags: list = []\n"
     "where = Path('a')"),
    ("", "frame = pd.DataFrame({'m': [month]})\nrows = len(frame)\nlabel = label.upper()"),
    ("", "scratch = 1\ntags.append(1)\nlog(auc=0.5)\ndef helper():\n    return 1"),
    ("", "del scratch\naccuracy_score(rows, rows)"),
]  # fmt: skip
TRAIN = [
    ("imports", "from pathlib import Path"),
    (
        "parameters",
        "depth: int = 3  # 1..9\nrows = 0\nname = 'n'\ndata: Path = Path('d')\nfree = None\n"
        "api_key = ''\nones: list = []\nscore: float = 0.0",
    ),
    ("metrics", "loss = 1 / depth"),
]


def plan_of(root: Path, train: str, prepare: str = "", cells: Any = None) -> Plan:
    write_notebook(root / "prepare.ipynb", PREPARE)
    write_notebook(root / "sub" / "train.ipynb", cells or TRAIN)
    (root / "mlops.toml").write_text(
        '[[pipeline]]\nname = "churn"\n'
        f'[[pipeline.notebook]]\npath = "prepare.ipynb"\nparameters = {{ {prepare} }}\n'
        f'[[pipeline.notebook]]\npath = "sub/train.ipynb"\nparameters = {{ {train} }}\n'
    )
    project = Project.find(root)
    return plan(project, read_chain(project, "churn"))


def test_what_is_known_before_the_start_is_not_waited_for(project_root: Path) -> None:
    found = plan_of(
        project_root,
        'depth = "${prepare.month}", name = "m${prepare.month}-${prepare.rows}", '
        'rows = "${prepare.rows}", free = "${prepare.label}", data = "${prepare.frame}", '
        'ones = "${prepare.tags}"',
        "month = 3",
    )
    assert found["train"].known == {"depth": 3}
    assert set(found["train"].open) == {"name", "rows", "free", "data", "ones"}
    assert list(found["prepare"].wanted) == [
        Wanted("rows"),
        Wanted("label"),
        Wanted("frame", as_file=True),
        Wanted("tags"),
    ]


def outputs(**values: Any) -> dict[str, dict[Wanted, Any]]:
    found = {Wanted(name): value for name, value in values.items()}
    return {"prepare": found | {Wanted(name, True): value for name, value in values.items()}}


def test_outputs_keep_their_types(project_root: Path) -> None:
    found = plan_of(project_root, 'free = "${prepare.rows}", name = "${prepare.label}"')
    for value in (3, "3", "none", True, 2.5, None, [1, "2"], {"a": None}):
        given = resolved(found["train"], outputs(rows=value, label="3"), found)
        assert (type(given["free"]), given["free"], given["name"]) == (type(value), value, "3")


def test_paths_are_seen_from_where_they_are_used(project_root: Path) -> None:
    found = plan_of(project_root, 'data = "${prepare.tags}", free = "${prepare.label}"')
    (project_root / "t.csv").write_text("")
    given = resolved(found["train"], outputs(tags="t.csv", label=Path("t.csv")), found)
    assert given == {"data": project_root / "t.csv", "free": project_root / "t.csv"}
    given = resolved(found["train"], outputs(tags="none.csv", label="t.csv"), found)
    assert given == {"data": Path("none.csv"), "free": "t.csv"}


def test_outputs_are_checked_when_they_are_there(project_root: Path) -> None:
    found = plan_of(project_root, 'depth = "${prepare.rows}", name = "x${prepare.label}"')
    for value, code in ((12, "parameters.limits"), ("x", "parameters.type")):
        with pytest.raises(MlopsError, match="notebook `train`: `depth`") as caught:
            resolved(found["train"], outputs(rows=value, label=""), found)
        assert caught.value.code == code
    with pytest.raises(MlopsError, match=r"given `\${prepare.rows}`: it is a thing") as caught:
        resolved(found["train"], outputs(rows=Refused("is a thing"), label=""), found)
    assert caught.value.place is not None
    assert (caught.value.place.notebook, caught.value.place.cell) == ("prepare.ipynb", 3)
    with pytest.raises(MlopsError, match="refer to it alone"):
        resolved(found["train"], outputs(rows=1, label=[]), found)


def test_metrics_and_what_every_notebook_has_may_be_referred_to(project_root: Path) -> None:
    found = plan_of(
        project_root,
        'score = "${prepare.auc}", free = "${prepare.accuracy_score_rows}", '
        'data = "${prepare.executed}", name = "${prepare.run}"',
    )
    assert [each.name for each in found["prepare"].wanted] == ["auc", "accuracy_score_rows"]


@pytest.mark.parametrize(
    ("train", "code", "words", "hint", "place"),
    [
        ('dept = 3', "parameters.unknown", "has no parameter `dept`", "`depth`",
         ("sub/train.ipynb", 2)),
        ('dept = "${prepare.rows}"', "parameters.unknown", "has no parameter `dept`", "`depth`",
         ("sub/train.ipynb", 2)),
        ('depth = "deep"', "parameters.type", "`depth` wants int", "default",
         ("sub/train.ipynb", 2)),
        ('depth = "${prepare.month}0"', "parameters.limits", "`depth` must be", "default",
         ("sub/train.ipynb", 2)),
        ('depth = "${prepare.where}"', "parameters.type", "`depth` wants int", "default",
         ("sub/train.ipynb", 2)),
        ('rows = "${prepare.row}"', "chain.output", "no cell of prepare.ipynb makes a variable",
         "did you mean `rows`?", ("prepare.ipynb", None)),
        ('rows = "${prepare.zebra}"', "chain.output", "makes a variable or logs a metric `zebra`",
         "it leaves: month, label", ("prepare.ipynb", None)),
        ('rows = "${prepare.scratch}"', "chain.output", "cell 5 of prepare.ipynb deletes it",
         "`del`", ("prepare.ipynb", 5)),
        ('rows = "${prepare.helper}"', "chain.output", "is a module, a function or a class",
         "refer to a value", ("prepare.ipynb", 4)),
        ('rows = "${prepare.pd}"', "chain.output", "is a module, a function or a class",
         "refer to a value", ("prepare.ipynb", 1)),
        ('rows = "${prepare.executed}"', "chain.type", "wants int, but `${prepare.executed}` is a "
         "path", "declare it `str`", ("mlops.toml", None)),
        ('data = "${prepare.rows}"', "chain.type", "wants path, but `${prepare.rows}` is an int",
         "cell 3 of prepare.ipynb makes it", ("prepare.ipynb", 3)),
        ('name = "${prepare.frame}"', "chain.type", "wants str, but `${prepare.frame}` is a table",
         "write `name: Path = …`", ("prepare.ipynb", 3)),
        ('free = "${prepare.frame}"', "chain.type", "`${prepare.frame}` is a table",
         "write `free: Path = …`", ("prepare.ipynb", 3)),
        ('name = "a${prepare.tags}"', None, "", "", ("", None)),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_before_the_start(
    project_root: Path, train: str, code: str | None, words: str, hint: str, place: Any
) -> None:
    if code is None:
        plan_of(project_root, train)  # of which only the run can tell
        return
    with pytest.raises(MlopsError) as caught:
        plan_of(project_root, train)
    error = caught.value
    assert (error.code, words in error.message) == (code, True), str(error)
    assert error.message.startswith("mlops.toml, pipeline `churn`, notebook `train`: ")
    assert hint in error.hint
    assert error.place is not None
    assert (error.place.notebook, error.place.cell) == place


def test_all_that_is_wrong_is_told_at_once(project_root: Path) -> None:
    with pytest.raises(MlopsError) as caught:
        plan_of(project_root, 'depth = 99, rows = "${prepare.row}"', "month = 13, mont = 1")
    assert caught.value.code == "chain.wrong"
    for words in ("`depth` must be", "`${prepare.row}`", "`month` must be", "no parameter `mont`"):
        assert words in caught.value.message
    (project_root / "prepare.ipynb").unlink()
    project = Project.find(project_root)
    chain = read_chain(project, "churn")
    with pytest.raises(MlopsError, match="notebook `prepare`: There is no such notebook"):
        plan(project, chain)


def test_names_that_cannot_be_known_are_left_to_the_run(project_root: Path) -> None:
    PREPARE.append(("", "%run other.ipynb"))
    try:
        found = plan_of(project_root, 'rows = "${prepare.zebra}", depth = "${prepare.month}"')
    finally:
        PREPARE.pop()
    assert list(found["prepare"].wanted) == [Wanted("zebra"), Wanted("month")]


def test_secrets_are_handed_on_by_reference(
    project_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_PASSWORD", "correct-horse-7")
    given = 'password = "env:DB_PASSWORD"'
    found = plan_of(project_root, 'api_key = "${prepare.password}"', given)
    assert found["train"].known == {"api_key": "env:DB_PASSWORD"}
    assert not found["prepare"].wanted
    for train, prepare, words in [
        ('name = "${prepare.password}"', given, "`name` would be given the secret"),
        ('api_key = "x${prepare.password}"', given, "would be given the secret"),
        ('api_key = "${prepare.password}"', "", "that secret is not given"),
        ('api_key = "${prepare.label}"', "", "would be stored in clear"),
        ('api_key = "hunter-2-hunter"', "", "must be given as a reference"),
    ]:
        with pytest.raises(MlopsError, match=words) as caught:
            plan_of(project_root, train, prepare)
        assert "secret" in caught.value.code
        assert "hunter-2" not in str(caught.value)
