"""The generated folder: same bytes, whole, readable, and careful with what is not its own."""

from __future__ import annotations

import ast
import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.notebook.limits import Limits
from jupyter_mlops.notebook.parameters import Parameter
from jupyter_mlops.pipeline import manifest
from jupyter_mlops.pipeline.generate import RECORD, generate, pipeline_files, publish, write_files
from jupyter_mlops.pipeline.model import Step
from tests.pipelines import cell, notebook, small

FILES = {"requirements.txt": "numpy==2\n", "Dockerfile": "FROM python\n"}


def tree(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_folder_alone_gives_the_pipeline_back(tmp_path: Path) -> None:
    pipeline = small()
    generate(pipeline, notebook(pipeline), tmp_path, files=FILES)
    assert manifest.read_folder(tmp_path) == pipeline
    assert set(tree(tmp_path)) == {
        "pipeline.yaml",
        "steps/load.py",
        "steps/train.py",
        "steps/check.py",
        "serve.py",
        "tests/test_pipeline.py",
        "README.md",
        "requirements.txt",
        "Dockerfile",
        RECORD,
    }


def test_the_same_notebook_gives_the_same_bytes(tmp_path: Path) -> None:
    pipeline = small()
    for name in ("a", "b"):
        generate(pipeline, notebook(pipeline), tmp_path / name, files=FILES)
    generate(pipeline, notebook(pipeline), tmp_path / "b", files=FILES)
    assert tree(tmp_path / "a") == tree(tmp_path / "b")


def test_what_the_user_added_stays_and_what_is_stale_goes(tmp_path: Path) -> None:
    pipeline = small()
    generate(pipeline, notebook(pipeline), tmp_path, files=FILES)
    (tmp_path / "steps" / "mine.py").write_text("mine")
    (tmp_path / "Dockerfile").write_text("edited")
    shorter = dataclasses.replace(pipeline, steps=pipeline.steps[:2], serving=None)
    generate(shorter, notebook(shorter), tmp_path, files={})
    left = tree(tmp_path)
    assert left["steps/mine.py"] == b"mine"
    assert left["Dockerfile"] == b"edited", "an edited file is not removed"
    assert "steps/check.py" not in left
    assert "serve.py" not in left
    assert "requirements.txt" not in left


def test_an_edit_of_a_generated_file_is_undone_and_kept_beside_it(tmp_path: Path) -> None:
    pipeline = small()
    script = tmp_path / "steps" / "load.py"
    generate(pipeline, notebook(pipeline), tmp_path)
    for edit in ("first", "second", "second"):
        script.write_text(edit)
        generate(pipeline, notebook(pipeline), tmp_path)
        assert manifest.read_folder(tmp_path) == pipeline
    edits = {path.name: path.read_text() for path in tmp_path.glob("steps/*.edited*")}
    assert edits == {"load.py.edited": "first", "load.py.edited-2": "second"}


def test_published_over_an_edit_tells_where_the_edit_is(tmp_path: Path) -> None:
    pipeline = small()
    source, folder = tmp_path / "new", tmp_path / "old"
    generate(pipeline, notebook(pipeline), source)
    assert publish(source, folder) == ()
    (folder / "README.md").write_text("mine")
    assert publish(source, folder) == ("README.md.edited",)


def test_linters_accept_the_scripts(tmp_path: Path) -> None:
    pipeline = small()
    generate(pipeline, notebook(pipeline), tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "F", tmp_path],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def test_a_file_that_was_not_generated_is_never_replaced(tmp_path: Path) -> None:
    pipeline = small()
    (tmp_path / "README.md").write_text("mine")
    with pytest.raises(MlopsError) as caught:
        generate(pipeline, notebook(pipeline), tmp_path)
    assert caught.value.code == "pipeline.occupied"
    assert tree(tmp_path) == {"README.md": b"mine"}


def test_a_folder_can_be_published_over_an_older_one(tmp_path: Path) -> None:
    pipeline = small()
    generate(pipeline, notebook(pipeline), tmp_path / "new", files=FILES)
    write_files({"old.txt": "old"}, tmp_path / "there")
    (tmp_path / "there" / "mine.txt").write_text("mine")
    publish(tmp_path / "new", tmp_path / "there")
    expected = {**tree(tmp_path / "new"), "mine.txt": b"mine"}
    assert tree(tmp_path / "there") == expected


@pytest.mark.parametrize("name", ["../up", "a/b", "", ".hidden", "a b", "a\nb", "-rf"])
def test_a_step_cannot_leave_the_folder(tmp_path: Path, name: str) -> None:
    pipeline = dataclasses.replace(small(), steps=(Step(name, (cell(1, "x = 1"),)),), serving=None)
    with pytest.raises(MlopsError) as caught:
        generate(pipeline, notebook(pipeline), tmp_path / "p")
    assert caught.value.code == "pipeline.step-name"
    assert not (tmp_path / "p").exists()


@given(st.text(max_size=20))
@settings(deadline=None)
def test_names_cannot_break_out_of_comments_and_docstrings(name: str) -> None:
    pipeline = dataclasses.replace(small(), notebook=name)
    files = pipeline_files(pipeline)
    for path, text in files.items():
        if path.endswith(".py"):
            ast.parse(text.partition(manifest.SERVE_MARK)[0])
    assert yaml.safe_load(files["pipeline.yaml"])["notebook"] == name
    header = files["steps/load.py"].partition("# %% ")[0]
    assert all(line.startswith("#") or not line for line in header.split("\n"))


literal = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text() | st.integers(), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(literal)
@settings(deadline=None)
def test_every_default_comes_back(value: Any) -> None:
    one = Parameter(
        "p", value, "any", False, "what it: means", 3, Limits(("a", 1, None), 0, 1.5, True)
    )
    pipeline = dataclasses.replace(small(), parameters=(one,))
    content = yaml.safe_load(manifest.to_text(pipeline, "# header"))
    (back,) = (manifest._read_parameter(each) for each in content["parameters"])
    assert back == one
    assert repr(back.default) == repr(value)


def test_parameters_are_converted_from_json() -> None:
    pipeline = dataclasses.replace(
        small(),
        parameters=(
            Parameter("size", (1, 2), "tuple", False, "", 1),
            Parameter("rate", 0.5, "float", False, "", 2),
        ),
    )
    given_values = manifest.convert_parameters(pipeline, {"size": [3, 4], "rate": 1})
    assert given_values == {"size": (3, 4), "rate": 1.0}
    assert type(given_values["rate"]) is float
    assert manifest.convert_parameters(pipeline, {})["size"] == (1, 2)
    with pytest.raises(MlopsError, match="`other`"):
        manifest.convert_parameters(pipeline, {"other": 1})


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("pipeline.yaml", None, "pipeline.missing"),
        ("steps/load.py", None, "pipeline.missing"),
        ("pipeline.yaml", "format: 99", "pipeline.invalid"),
        ("pipeline.yaml", "a: [", "pipeline.invalid"),
        ("pipeline.yaml", "- 1", "pipeline.invalid"),
        ("steps/load.py", "# %% [cell 99, id=x]\n", "pipeline.invalid"),
    ],
)
def test_a_damaged_folder_is_told(tmp_path: Path, name: str, text: str | None, code: str) -> None:
    pipeline = small()
    generate(pipeline, notebook(pipeline), tmp_path)
    if text is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_text(text)
    with pytest.raises(MlopsError) as caught:
        manifest.read_folder(tmp_path)
    assert caught.value.code == code
