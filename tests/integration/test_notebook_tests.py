"""Notebooks as tests: ``pytest --mlops`` in a process of its own, on real kernels."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import write_notebook

CELLS = [
    ("imports", "from helper import half"),
    ("parameters", "depth: int = 3"),
    ("step:load", "rows = list(range(depth))\nprint('loaded', len(rows))"),
    ("test", "assert len(rows) == depth\nassert (\n    sum(rows) == 4\n)"),
    ("step:fit", "print('before')\nmodel = half(7)"),
    ("step:fit", "score = model + 1"),
    ("step:other", "other = depth * 2"),
    ("test", "assert other == 6"),
    ("raises-exception", "1 / 0"),
    ("skip", "1 / 0"),
    ("", "def tell():\n    return score"),
    ("", "tell()"),
    ("", "score = 1"),
    ("", "tell()"),
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("notebooks")
    (root / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    (root / "helper.py").write_text("def half(x):\n    return x / 0 if x == 7 else x / 2\n")
    write_notebook(root / "nb.ipynb", CELLS)
    return root


def _pytest(folder: Path, *words: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rA", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=200)
    return done.returncode, done.stdout + done.stderr


def test_each_cell_is_a_test_and_what_needs_a_failed_one_is_skipped(home: Path) -> None:
    code, text = _pytest(home, "--mlops")
    assert code == 1
    passed = {line.split("::")[1] for line in text.splitlines() if line.startswith("PASSED")}
    assert passed == {
        *("cell-1", "cell-2", "cell-3", "cell-7", "test-8", "cell-9"),
        *("cell-11", "cell-13", "cell-14"),
    }
    assert "FAILED nb.ipynb::test-4 - nb.ipynb, cell 4, line 3: AssertionError" in text
    assert "E     rows = [0, 1, 2]" in text
    assert "FAILED nb.ipynb::cell-5 - nb.ipynb, cell 5, line 2: ZeroDivisionError" in text
    assert ">   model = half(7)" in text
    assert "helper.py:2, in half(x)" in text
    assert "before" in text
    assert "`model` comes from cell 5, which failed" in text
    assert "`score` comes from cell 6, which was skipped" in text
    assert "2 failed, 9 passed, 2 skipped" in text
    for ours in ("jupyter_mlops", "nbclient", "_pytest"):
        assert ours not in text
    assert not (home / ".mlops").exists()


def test_one_test_runs_the_cells_above_it_with_the_parameters(home: Path) -> None:
    code, text = _pytest(home, "--mlops", "-k", "test-8", "--mlops-param", "depth=4")
    assert code == 1
    assert "E     other = 8" in text
    assert "1 failed" in text
    code, text = _pytest(home, "--mlops", "--mlops-param", "dept=4")
    assert code == 4
    assert "No collected notebook has the parameter `dept`." in text
    code, text = _pytest(home, "--mlops", "--mlops-param", "depth=deep")
    assert code == 2
    assert "parameters.type: `depth` wants int" in text


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("import os\nos._exit(1)", "The kernel died while this cell ran."),
        ("import time\ntime.sleep(60)", "The cell took longer than 2 s."),
        ("x = (", "SyntaxError"),
        ("%no_such_magic", "UsageError: Line magic function `%no_such_magic` not found."),
    ],
)
def test_a_cell_that_does_not_end_well_is_told(tmp_path: Path, source: str, words: str) -> None:
    write_notebook(tmp_path / "nb.ipynb", [("", source), ("", "y = 1")])
    code, text = _pytest(tmp_path, "--mlops", "--mlops-timeout", "2")
    assert code == 1
    assert words in text
    assert ("1 failed, 1 passed" if "Error" in words else "1 failed, 1 skipped") in text


def test_a_kernel_that_is_missing_is_one_line(tmp_path: Path) -> None:
    write_notebook(tmp_path / "nb.ipynb", [("", "x = 1")], kernel="no-such")
    code, text = _pytest(tmp_path, "--mlops")
    assert code == 1
    assert "rerun.no-kernel: There is no kernel named `no-such`" in text
    assert "_pytest" not in text


def test_without_the_option_nothing_is_collected_or_imported(home: Path) -> None:
    code, text = _pytest(home)
    assert code == 5
    assert "no tests ran" in text
    program = (
        "import sys, jupyter_mlops.faces.pytest_plugin\n"
        "ours = {name for name in sys.modules if name.startswith('jupyter_mlops')}\n"
        "print(sorted(ours), 'IPython' in sys.modules, 'pydantic' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    names = "['jupyter_mlops', 'jupyter_mlops.faces', 'jupyter_mlops.faces.pytest_plugin']"
    assert done.stdout.strip() == f"{names} False False"
