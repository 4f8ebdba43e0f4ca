"""The record of a chain's run, and what of an earlier one still holds."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from jupyter_mlops.chains.failing import Failures
from jupyter_mlops.chains.graph import Chain
from jupyter_mlops.chains.job import is_there
from jupyter_mlops.chains.plan import Plan
from jupyter_mlops.chains.record import (
    NodeRun,
    begin,
    chain_runs,
    handed_files,
    node_key,
    superseded,
    unfinished,
)
from jupyter_mlops.errors import MlopsError, Place
from jupyter_mlops.notebook.document import read
from jupyter_mlops.project import Project
from tests.support import write_notebook


def test_a_record_is_read_as_it_was_written(project_root: Path) -> None:
    project = Project.find(project_root)
    record = begin(project, "churn", "churn-1")
    record.parameters = {"train": {"depth": "3"}}
    record.nodes = {"train": NodeRun("train.ipynb", "ok", "train-1", outputs={"a": '{"value": 1}'})}
    with record.held():
        record.save()
        (found,) = chain_runs(project, "churn")
        assert found == record
        assert "outputs" not in json.dumps(found.to_dict())
        with pytest.raises(MlopsError, match="churn-1 of the pipeline `churn` has not ended"):
            found.held().__enter__()
    (found,) = chain_runs(project, "churn")
    assert found.status == "killed"


def test_which_run_is_gone_on_from(project_root: Path) -> None:
    project = Project.find(project_root)
    for name, status, earlier in [
        ("a-1", "failed", ""),
        ("b-1", "failed", ""),
        ("b-2", "ok", "b-1"),
    ]:
        record = begin(project, "churn", name)
        record.started, record.earlier = name, earlier
        record.status = status  # type: ignore[assignment]
        record.save()
    assert unfinished(project, "churn", "latest").name == "a-1"
    assert unfinished(project, "churn", "b-1").name == "b-1"
    assert unfinished(project, "churn", "a").name == "a-1"
    for ref, code in (("b", "run.unknown"), ("c", "run.unknown")):
        with pytest.raises(MlopsError) as caught:
            unfinished(project, "churn", ref)
        assert caught.value.code == code
    (project.state / "chains" / "churn" / "a-1" / "run.json").write_text("{")
    with pytest.raises(MlopsError, match="has failed"):
        unfinished(project, "churn", "latest")


def test_what_nobody_goes_on_from_may_go(project_root: Path) -> None:
    project = Project.find(project_root)
    files = handed_files(project, "churn", "prepare")
    files.mkdir(parents=True)
    for number in (1, 2, 3):
        record = begin(project, "churn", f"churn-{number}")
        record.started, record.status = str(number), "ok"
        path = files / f"frame-{number}.parquet"
        path.touch()
        text = json.dumps({"value": {"kind": "path", "is": str(path)}})
        record.nodes = {"prepare": NodeRun("prepare.ipynb", "ok", outputs={"frame": text})}
        record.save()
    (files / "frame-0.parquet").touch()
    assert [path.name for path in superseded(project)] == ["churn-2", "churn-1", "frame-0.parquet"]
    shutil.rmtree(project.state / "chains" / "churn" / "churn-1")
    with chain_runs(project, "churn")[1].held():
        assert [path.name for path in superseded(project)] == [
            "frame-0.parquet",
            "frame-1.parquet",
        ]


def test_the_key_changes_with_code_and_parameters(tmp_path: Path) -> None:
    one = read(write_notebook(tmp_path / "a.ipynb", [("", "x = 1")]))
    other = read(write_notebook(tmp_path / "b.ipynb", [("", "x = 2")]))
    keys = {
        node_key(one, {}),
        node_key(other, {}),
        node_key(one, {"x": 1}),
        node_key(one, {"x": "1"}),
        node_key(one, {"x": True}),
        node_key(one, {"x": [1]}),
        node_key(one, {"x": (1,)}),
    }
    assert len(keys) == 7
    assert node_key(one, {"x": 1, "y": 2}) == node_key(one, {"y": 2, "x": 1})


def test_what_was_handed_on_must_still_be_there(tmp_path: Path) -> None:
    file = tmp_path / "a.parquet"
    text = json.dumps({"value": {"kind": "path", "is": str(file)}})
    assert not is_there(None, as_file=False)
    assert not is_there('{"refused": "is a thing"}', as_file=False)
    assert is_there(text, as_file=False)
    assert not is_there(text, as_file=True)
    file.touch()
    assert is_there(text, as_file=True)


def test_several_failures_are_told_together(project_root: Path) -> None:
    record = begin(Project.find(project_root), "churn", "churn-1")
    record.nodes = {"c": NodeRun("c.ipynb", "left")}
    failures = Failures(Plan(Chain("churn", ()), ()))
    failures.raise_them(record)
    assert not failures
    place = Place("a.ipynb", 2, "c2", 1)
    failures.add("a", MlopsError("rerun.cell-failed", "ValueError: no", place=place))
    failures.add("b", MlopsError("chain.output", "mlops.toml, pipeline `churn`, notebook `b`: x"))
    with pytest.raises(MlopsError) as caught:
        failures.raise_them(record)
    assert caught.value.code == "chain.failed"
    assert "Notebook `a` of the pipeline `churn`: ValueError: no" in caught.value.message
    assert "(at a.ipynb, cell 2, line 1)" in caught.value.message
    assert "not run: c" in caught.value.hint
    failures.add("c", ZeroDivisionError("ours"))
    with pytest.raises(ZeroDivisionError):
        failures.raise_them(record)
