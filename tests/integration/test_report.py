"""Reports and the pipeline exporter, from real runs and through nbconvert's own command."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from nbconvert.exporters import get_exporter

from jupyter_mlops.faces.cli import main
from jupyter_mlops.notebook.document import read
from jupyter_mlops.pipeline.compile import compile_notebook
from jupyter_mlops.pipeline.generate import generate
from jupyter_mlops.progress import drain
from jupyter_mlops.rerun import rerun
from tests.support import SMALL, write_notebook

SHOWING = [
    ("parameters", "depth: int = 3\nname = '<b>x</b>'"),
    ("step:score metrics", "score = depth / 2"),
    ("", "from IPython.display import HTML\nHTML('<i id=mine>shown</i>')"),
]


def _report(*words: str) -> str:
    result = CliRunner().invoke(main, ["report", *words])
    assert result.exit_code == 0, result.output
    return result.output


def test_a_report_has_the_card_and_needs_no_network(project_root: Path) -> None:
    write_notebook(project_root / "nb.ipynb", SHOWING)
    done = drain(rerun(project_root / "nb.ipynb", {"depth": 5}, output=project_root / "out.ipynb"))
    assert f"{done.run}.html" in _report()
    page = (project_root / f"{done.run}.html").read_text()
    card = page[page.index("<main>") :][:4000]
    for words in (done.run, "score", "2.5", "depth", "FINISHED", "nb.ipynb", "&lt;b&gt;x"):
        assert words in card, words
    assert '<i id="mine">shown</i>' in page
    assert "jp-InputArea-editor" in page[page.index("<main>") :]
    assert not re.search(r"<script[^>]+src=|<link|@import|url\([\"']?http", page)
    assert "prefers-color-scheme:dark" in page

    _report("out.ipynb", "-o", "r.html", "--no-input")
    short = (project_root / "r.html").read_text()
    assert "jp-InputArea-editor" not in short[short.index("<main>") :]
    assert done.run in short
    assert '<i id="mine">shown</i>' in short

    _report("nb.ipynb", "-o", "plain.html")
    plain = (project_root / "plain.html").read_text()
    assert 'class="mlops-card"' not in plain

    missing = CliRunner().invoke(main, ["report", "no-such-run"])
    assert missing.exit_code == 1
    assert "run.unknown" in missing.output


def test_nbconvert_writes_the_pipeline(project_root: Path) -> None:
    path = write_notebook(project_root / "nb.ipynb", SMALL)
    exporter = get_exporter("pipeline")()
    text, _ = exporter.from_filename(str(path))
    assert text.startswith("# nb")
    assert "kept as" not in _nbconvert(project_root, str(path), "--output-dir", "made")
    source = read(path, name="nb.ipynb")
    generate(compile_notebook(source), source, project_root / "wanted")
    wanted = {p.relative_to(project_root / "wanted"): p.read_bytes() for p in
              (project_root / "wanted").rglob("*") if p.is_file()}  # fmt: skip
    folder = project_root / "made" / "nb.pipeline"
    made = {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    assert made == wanted

    script = folder / "steps" / "load.py"
    script.write_text("# mine\n")
    (folder / "notes.txt").write_text("mine too")
    write_notebook(path, [cell for cell in SMALL if cell[0] != "step:split"][:3])
    told = _nbconvert(project_root, str(path), "--output-dir", "made")
    assert "What you wrote there is kept as nb.pipeline/steps/load.py.edited" in told
    assert script.with_name("load.py.edited").read_text() == "# mine\n"
    assert script.read_text().startswith("# Generated from nb.ipynb")
    assert (folder / "notes.txt").exists()
    assert not (folder / "steps" / "train.py").exists()


def _nbconvert(folder: Path, *words: str) -> str:
    """Make a pipeline by nbconvert's own command, and return what it told."""
    command = [sys.executable, "-m", "nbconvert", "--to", "pipeline", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.mark.parametrize("cells", [[("step:a", "x = (")], [("step:a", "x = 1\ny = x.nothing(")]])
def test_what_is_no_pipeline_is_told_without_a_stack(
    project_root: Path, cells: list[tuple[str, str]]
) -> None:
    write_notebook(project_root / "bad.ipynb", cells)
    command = [sys.executable, "-m", "nbconvert", "--to", "pipeline", "bad.ipynb"]
    done = subprocess.run(command, cwd=project_root, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert "pipeline.syntax" in done.stderr
    assert "bad.ipynb, cell 1" in done.stderr
    assert "Traceback" not in done.stderr
