"""The workflow: made from the settings, valid, and never at the cost of what a user wrote."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.ci import thresholds
from jupyter_mlops.ci.plan import find_notebooks, plan
from jupyter_mlops.ci.workflow import BEGIN, PATHS, Server
from jupyter_mlops.ci.writing import write
from jupyter_mlops.errors import MlopsError
from jupyter_mlops.project import Project
from tests.support import SMALL, write_notebook

SERVERS: tuple[Server, ...] = ("github", "gitlab")
SCHEMAS: dict[Server, str] = {"github": "github-workflows.json", "gitlab": "gitlab-ci.json"}


def _project(root: Path, settings: str = "") -> Project:
    (root / "mlops.toml").write_text(settings)
    return Project(root)


def _valid(server: Server, text: str) -> Any:
    vendored = files("check_jsonschema") / "builtin_schemas" / "vendor" / SCHEMAS[server]
    schema = json.loads(vendored.read_text())
    content = yaml.load(text, Loader=yaml.BaseLoader)  # `on` is a word here, not a truth value
    typed = yaml.safe_load(text)
    if server == "github":
        typed["on"] = typed.pop(True)
    jsonschema.validators.validator_for(schema)(schema).validate(typed)
    return content


@pytest.fixture
def project(project_root: Path) -> Project:
    write_notebook(project_root / "notebooks" / "small one.ipynb", SMALL)
    write_notebook(project_root / "it's $HOME.ipynb", [("", "x = 1")])
    write_notebook(project_root / ".ipynb_checkpoints" / "old.ipynb", SMALL)
    return _project(project_root, '[ci]\nparameters = "ci.yaml"\n')


@pytest.mark.parametrize("server", SERVERS)
def test_the_workflow_is_valid_and_runs_each_step(project: Project, server: Server) -> None:
    written = write(project, server)
    assert written.change == "new"
    content = _valid(server, written.path.read_text())
    if server == "github":
        steps = content["jobs"]["mlops"]["steps"]
        found = [line for step in steps for line in step.get("run", "").splitlines()]
        promote = next(step for step in steps if step.get("name") == "Promote")
        assert promote["if"] == "github.ref == 'refs/heads/main'"
        assert steps.index(promote) == len(steps) - 1
    else:
        parts = (content["mlops"]["script"], content["mlops"]["after_script"])
        found = [*content["default"]["before_script"], *parts[0], *parts[1]]
        found += content["promote"]["script"]
    for step in plan(project):
        for command in step.commands:
            assert command in found
    assert find_notebooks(project) == ("it's $HOME.ipynb", "notebooks/small one.ipynb")
    assert not any("promote" in line and "HOME" in line for line in found)  # it has no steps


@pytest.mark.parametrize("server", SERVERS)
def test_the_users_own_steps_stay_and_other_edits_are_not_lost(
    project: Project, server: Server
) -> None:
    path = write(project, server).path
    text = path.read_text()
    indent = text.split(BEGIN)[0].rpartition("\n")[2]
    own = f"{indent}- run: echo 'my own'\n" if server == "github" else f"{indent}- echo 'my own'\n"
    edited = text.replace(f"{BEGIN}\n", f"{BEGIN}\n{own}")
    path.write_text(edited)
    assert write(project, server).change == "unchanged"

    changed = _project(project.root, '[ci]\npython = "3.12"\n')
    written = write(changed, server)
    assert (written.change, written.own) == ("updated", 1)
    assert own in path.read_text()
    assert "3.12" in path.read_text()
    _valid(server, path.read_text())

    theirs = path.read_text().replace("3.12", "3.13")
    path.write_text(theirs)
    with pytest.raises(MlopsError) as caught:
        write(changed, server)
    assert caught.value.code == "ci.edited"
    assert path.read_text() == theirs
    forced = write(changed, server, force=True)
    assert forced.change == "replaced"
    assert forced.kept is not None
    assert forced.kept.read_text() == theirs
    assert own in path.read_text()


def test_a_workflow_of_somebody_else_is_left_alone(project: Project) -> None:
    path = project.root / PATHS["gitlab"]
    path.write_text("stages: [mine]\n")
    with pytest.raises(MlopsError, match="was not made by"):
        write(project, "gitlab")
    assert path.read_text() == "stages: [mine]\n"


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ('[ci]\nnotebooks = ["none/*.ipynb"]', "ci.no-notebooks"),
        ('[ci.metrics]\nauc = "about 0.8"', "settings.invalid"),
        ('[ci]\nbranch = "a: b"', "settings.invalid"),
    ],
)
def test_wrong_settings_are_told(project: Project, settings: str, code: str) -> None:
    with pytest.raises(MlopsError) as caught:
        write(_project(project.root, settings), "github")
    assert caught.value.code == code
    assert not (project.root / PATHS["github"]).exists()


NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Z"), exclude_characters="/\\"),
    min_size=1,
).filter(lambda name: not name.startswith(".") and "${{" not in name and len(name.encode()) < 200)


@given(name=NAMES, server=st.sampled_from(SERVERS))
def test_any_name_of_a_notebook_survives(
    tmp_path_factory: pytest.TempPathFactory, name: str, server: Server
) -> None:
    root = tmp_path_factory.mktemp("any")
    write_notebook(root / f"{name} x.ipynb", [("", "x = 1")])
    project = _project(root)
    content = _valid(server, write(project, server).path.read_text())
    check = plan(project)[0].commands[0]
    if server == "github":
        runs = [step.get("run") for step in content["jobs"]["mlops"]["steps"]]
        assert f"{check}\n" in runs
    else:
        assert check in content["mlops"]["script"]


@pytest.mark.parametrize(
    ("wanted", "value", "passed"),
    [
        (">= 0.8", 0.8, True),
        (">= 0.8", 0.79, False),
        ("> 0.8", 0.8, False),
        ("< 1e-1", 0.05, True),
        (">= 0.8, < 0.9", 0.95, False),
        ("== 3", 3, True),
        (">= 0", float("nan"), False),
    ],
)
def test_thresholds(wanted: str, value: float, passed: bool) -> None:
    (found,) = thresholds.hold({"auc": wanted}, {"a.ipynb": {"auc": value}})
    assert found.passed is passed
    assert f"wanted {wanted}" in found.words


def test_a_threshold_is_for_every_notebook_with_the_metric_or_for_one() -> None:
    metrics = {"a.ipynb": {"auc": 0.9}, "b.ipynb": {"auc": 0.5, "mae": 1.0}}
    found = thresholds.hold({"auc": ">= 0.8", "b.ipynb": {"mae": "< 2"}, "r2": "> 0"}, metrics)
    assert [(each.notebook, each.metric, each.passed) for each in found] == [
        ("a.ipynb", "auc", True),
        ("b.ipynb", "auc", False),
        ("b.ipynb", "mae", True),
        ("a.ipynb, b.ipynb", "r2", False),
    ]


def test_parameters_go_to_the_notebooks_that_have_them(project: Project) -> None:
    def given(project: Project) -> list[bool]:
        rerun = next(step for step in plan(project) if step.name == "Rerun")
        return ["-f ci.yaml" in command for command in rerun.commands[1:]]

    (project.root / "ci.yaml").write_text("rows: 100\nalpha: 0.5\n")
    assert given(project) == [False, True]
    table = '[ci.parameters]\n"it\'s $HOME.ipynb" = "ci.yaml"\n'
    assert given(_project(project.root, table)) == [True, False]
    (project.root / "ci.yaml").write_text("rows: 100\nother: 0.5\n")
    with pytest.raises(MlopsError, match="gives `other`, which this notebook does not have") as it:
        plan(_project(project.root, '[ci]\nparameters = "ci.yaml"\n'))
    assert it.value.code == "ci.parameters"
