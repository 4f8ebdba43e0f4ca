"""Parameters come from files, then the environment, then the command."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.faces.cli import main
from jupyter_mlops.notebook.given import Given, read_file
from tests.support import write_notebook

CELL = "depth: int = 3  # how deep, 1..20\nname = 'x'\nstart = date(2013, 1, 1)\npassword = ''"


@pytest.mark.parametrize(
    ("file", "text", "content"),
    [
        ("a.yaml", "depth: 6\nstart: 2013-01-31\nsizes: [1, 2]", {
            "depth": 6, "start": dt.date(2013, 1, 31), "sizes": [1, 2]}),
        ("a.yml", "", {}),
        ("a.json", '{"depth": 6, "x": null}', {"depth": 6, "x": None}),
    ],
)  # fmt: skip
def test_files_are_read(tmp_path: Path, file: str, text: str, content: dict[str, Any]) -> None:
    (tmp_path / file).write_text(text)
    assert read_file(tmp_path / file) == content


@pytest.mark.parametrize(
    ("file", "text", "words", "line"),
    [
        ("a.yaml", "a: 1\nb: [1", "is not YAML", 2),
        ("a.json", '{"a": 1,\n}', "is not JSON", 2),
        ("a.yaml", "- 1", "holds a list", None),
        ("a.yaml", "my depth: 1", "'my depth', which is no name", None),
        ("a.yaml", None, "No such file", None),
    ],
)
def test_what_is_wrong_with_a_file_is_told_with_the_line(
    tmp_path: Path, file: str, text: str | None, words: str, line: int | None
) -> None:
    if text is not None:
        (tmp_path / file).write_text(text)
    with pytest.raises(MlopsError, match=words) as caught:
        read_file(tmp_path / file)
    assert caught.value.code == "parameters.file"
    assert caught.value.place is not None
    if line:
        assert caught.value.place.line in (line, line + 1)


def test_the_environment_fits_names_in_capitals() -> None:
    given = Given()
    environment = {
        "MLOPS_PARAM_MAX_DEPTH": "6",
        "MLOPS_PARAM_lr": "1",
        "MLOPS_PARAM_X": "",
        "A": "",
    }
    given.add_environment(environment, ["max_depth", "lr"])
    assert given.values == {"max_depth": "6", "lr": "1"}
    assert given.unused == ["MLOPS_PARAM_X"]


def test_the_command_shows_what_a_run_would_get(
    project_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_notebook(
        project_root / "nb.ipynb", [("", "from datetime import date"), ("parameters", CELL)]
    )
    (project_root / "p.yaml").write_text("depth: 6\nname: file\nstart: 2013-01-31\n")
    monkeypatch.setenv("MLOPS_PARAM_NAME", "environment")
    monkeypatch.setenv("MLOPS_PARAM_DEPTH", "7")
    result = CliRunner().invoke(main, ["params", "nb.ipynb", "-f", "p.yaml", "-p", "depth=8"])
    assert result.exit_code == 0, result.output
    rows = {line.split()[0]: line.split()[-2:] for line in result.output.splitlines()}
    assert rows["depth"] == ["8", "-p"]
    assert rows["name"] == ["'environment'", "MLOPS_PARAM_NAME"]
    assert rows["start"] == ["2013-01-31", "p.yaml"]
    result = CliRunner().invoke(main, ["params", "nb.ipynb", "-f", "p.yaml", "-p", "depth=88"])
    assert result.exit_code == 1
    assert "parameters.limits" in result.output
