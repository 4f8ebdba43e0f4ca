"""The command line: one-line errors, JSON lines, and docs that say what it does."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.faces.cli import main
from jupyter_mlops.faces.command import parse_assignments

ROOT = Path(__file__).resolve().parents[2]


def test_an_error_is_one_message_without_a_stack(project_root: Path) -> None:
    result = CliRunner().invoke(main, ["promote", "missing.ipynb"])
    assert result.exit_code == 1
    assert "notebook.missing: There is no such notebook." in result.stderr
    assert "Traceback" not in result.output


def test_json_says_the_same(project_root: Path) -> None:
    result = CliRunner().invoke(main, ["promote", "missing.ipynb", "--json"])
    assert result.exit_code == 1
    last = json.loads(result.stdout.splitlines()[-1])
    assert last["stage"] == "error"
    assert last["data"]["code"] == "notebook.missing"
    assert last["data"]["place"]["notebook"] == "missing.ipynb"


def test_an_empty_project_says_what_to_do_next(project_root: Path) -> None:
    for verb, word in [("releases", "promote"), ("deployments", "serve")]:
        result = CliRunner().invoke(main, [verb])
        assert result.exit_code == 0, result.stderr
        assert word in result.stdout
    assert not (project_root / ".mlops" / "releases").exists()


def test_assignments() -> None:
    assert parse_assignments(("a=1", "b=x=y", "c=")) == {"a": "1", "b": "x=y", "c": ""}
    with pytest.raises(MlopsError, match="max-depth"):
        parse_assignments(("max-depth=1",))
    with pytest.raises(MlopsError, match="NAME=VALUE"):
        parse_assignments(("max_depth",))


def test_the_commands_page_is_what_the_commands_say() -> None:
    script = ROOT / "scripts" / "generate_commands.py"
    subprocess.run([sys.executable, str(script), "--check"], check=True)


def test_help_needs_no_heavy_library() -> None:
    code = (
        "import sys\nfrom jupyter_mlops.faces.cli import main\n"
        "heavy = {'mlflow', 'pandas', 'papermill', 'sklearn', 'docker'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
