"""``check`` as people and CI meet it: the command in a process of its own, and ``%mlops check``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from tests.support import SMALL, write_notebook

ROOT = Path(__file__).resolve().parents[2]
WARNS = [("step:a", "import numpy as np\nprint(np.random.rand(3))")]
FAILS = [("step:a", "x = 1\nprint(totl)")]


def run(folder: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("GITHUB_", "JUPYTER_MLOPS"))}
    return subprocess.run(
        [sys.executable, "-m", "jupyter_mlops.faces.cli", "check", *words],
        cwd=folder,
        env={**clean, **env},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def notebooks(project_root: Path) -> Path:
    for name, cells in [("good", SMALL), ("warns", WARNS), ("fails", FAILS)]:
        write_notebook(project_root / f"{name}.ipynb", cells)
    return project_root


def test_the_exit_code_is_for_ci(notebooks: Path) -> None:
    assert run(notebooks, "good.ipynb").returncode == 0
    assert run(notebooks, "warns.ipynb").returncode == 0
    assert run(notebooks, "warns.ipynb", "--strict").returncode == 1
    failed = run(notebooks, "good.ipynb", "warns.ipynb", "fails.ipynb")
    assert failed.returncode == 1
    assert "fails.ipynb, cell 1" in failed.stdout
    assert "good.ipynb: nothing found" in failed.stdout
    assert "\x1b[" not in failed.stdout


def test_settings_hold_for_the_project(notebooks: Path) -> None:
    settings = notebooks / "mlops.toml"
    settings.write_text('[check]\nignore = ["undefined-name"]\nstrict = true\n')
    ignored = run(notebooks, "fails.ipynb")
    assert ignored.returncode == 0
    assert "1 ignored" in ignored.stdout
    assert run(notebooks, "warns.ipynb").returncode == 1
    settings.write_text('[check]\nignore = ["undefind-name"]\n')
    wrong = run(notebooks, "fails.ipynb")
    assert wrong.returncode == 1
    assert "check.unknown-rule" in wrong.stderr
    assert "did you mean `undefined-name`" in wrong.stderr


def test_programs_get_nothing_but_their_format(notebooks: Path) -> None:
    names = ("good.ipynb", "fails.ipynb")
    as_json = run(notebooks, *names, "--format", "json")
    assert [each["ok"] for each in json.loads(as_json.stdout)["notebooks"]] == [True, False]
    sarif = run(notebooks, *names, "--format", "sarif")
    assert json.loads(sarif.stdout)["runs"][0]["results"][0]["ruleId"] == "undefined-name"
    github = run(notebooks, *names, "--format", "github")
    [line] = github.stdout.splitlines()
    assert line.startswith("::error file=fails.ipynb,line=")
    assert run(notebooks, "good.ipynb", "--format", "github").stdout == ""
    assert [as_json.returncode, sarif.returncode, github.returncode] == [1, 1, 1]
    events = run(notebooks, "fails.ipynb", "--json")
    assert events.returncode == 1
    assert json.loads(events.stdout)["data"][0]["findings"][0]["rule"] == "undefined-name"


def test_rules_are_listed_and_chosen(notebooks: Path) -> None:
    listed = run(notebooks, "--list-rules")
    assert listed.returncode == 0
    assert "fit-before-split" in listed.stdout
    assert run(notebooks, "fails.ipynb", "--rule", "secret").returncode == 0
    assert run(notebooks, "fails.ipynb", "--ignore", "undefined-name").returncode == 0
    assert "no-such" in run(notebooks, "fails.ipynb", "--rule", "no-such").stderr
    assert run(notebooks).returncode == 2
    missing = run(notebooks, "none.ipynb")
    assert (missing.returncode, "notebook.missing" in missing.stderr) == (1, True)


def test_the_check_needs_no_heavy_library(notebooks: Path) -> None:
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from jupyter_mlops.readiness.check import check_file\n"
        f"check_file(Path({str(notebooks / 'fails.ipynb')!r}))\n"
        "heavy = {'mlflow', 'pandas', 'papermill', 'sklearn', 'docker', 'numpy'} & {*sys.modules}\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_example_of_the_project_is_clean() -> None:
    assert "flights.ipynb: nothing found" in run(ROOT, "notebooks/flights.ipynb").stdout


def test_the_rules_page_tells_of_every_rule() -> None:
    from jupyter_mlops.readiness.rule import all_rules

    page = (ROOT / "docs" / "readiness.md").read_text(encoding="utf-8")
    for rule in all_rules().values():
        words = [f"`{rule.id}`", rule.severity, rule.what, rule.why, rule.fix, rule.example]
        row = f"| {' | '.join(words)} |"
        assert row in page, f"docs/readiness.md lacks the row\n{row}"


def test_the_magic_shows_what_the_kernel_alone_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cell is executed, edited and not executed again: only the kernel can tell."""
    (tmp_path / "mlops.toml").write_text("")
    cells = [
        ("", "%load_ext jupyter_mlops"),
        ("step:a", "rate = 2"),
        ("step:b", "print(rate * 3)"),
        ("", "%mlops check"),
    ]
    path = write_notebook(tmp_path / "nb.ipynb", cells)
    notebook: Any = nbformat.read(path, as_version=4)
    notebook.cells.insert(2, nbformat.v4.new_code_cell("rate = 5"))
    notebook.cells[2]["id"] = "deleted-since"
    for name in ("JUPYTER_MLOPS_PROJECT", "JUPYTER_MLOPS_RUN", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("JPY_SESSION_NAME", str(path))
    NotebookClient(notebook, resources={"metadata": {"path": str(tmp_path)}}, timeout=120).execute()
    shown = notebook.cells[4].outputs[-1]["data"]["text/html"]
    assert "<table>" in shown
    assert "hidden-state" in shown
    assert "rate" in shown
