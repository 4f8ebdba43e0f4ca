"""Cells, code and data of a run, found again as they were."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import xxhash

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.project import Project
from jupyter_mlops.reproduction.code import restore_code
from jupyter_mlops.reproduction.data import Found, find_data, place_data, require
from jupyter_mlops.reproduction.recorded import Recorded
from jupyter_mlops.reproduction.replay import replay
from tests.unit.test_reproduction_outputs import _cell, _run


def _git(root: Path, *words: str) -> str:
    identity = ("-c", "user.name=Ann", "-c", "user.email=ann@example.org")
    done = subprocess.run(
        ["git", *identity, *words], cwd=root, check=True, capture_output=True, text=True
    )
    return done.stdout


def _read(name: str, content: str, cell: int = 1) -> dict[str, Any]:
    raw = content.encode()
    digest = xxhash.xxh3_128_hexdigest(raw)
    facts = {"name": name, "kind": "file", "source": name, "fingerprint": digest}
    return {**facts, "bytes": len(raw), "rows": None, "columns": None, "cell": cell}


def _find(root: Path, run: Recorded) -> dict[str, Found]:
    found = find_data(Project(root), run, replay(run).executions)
    return {each.source: each for each in found}


def test_every_execution_is_a_cell_of_the_rebuilt_notebook() -> None:
    failed = {"outcome": "failed", "error": "E: x", "line": 1}
    found = replay(
        _run(
            [
                _cell(1, "a = 1", tags=["parameters"]),
                _cell(2, "b = a / 0", **failed),
                _cell(3, "a = 2", id="c1", again=2, tags=["parameters"], position=1),
                _cell(4, "while True: pass", outcome="interrupted"),
                _cell(5, "%mlops promote nb.ipynb"),
                _cell(6, ""),
                _cell(7, "a", id="vscode-notebook-cell:/x.ipynb#1"),
            ]
        )
    )
    cells = json.loads(found.text())["cells"]
    assert [cell["source"] for cell in cells] == ["a = 1", "b = a / 0", "a = 2", "a"]
    assert len({cell["id"] for cell in cells}) == 4
    assert cells[1]["metadata"]["tags"] == ["raises-exception"]
    assert cells[0]["metadata"]["tags"] == ["parameters"]
    assert "tags" not in cells[2]["metadata"], "a notebook has one parameters cell"
    assert found.executions[2].place == "cell 1, execution 2"
    assert len(found.left_out) == 2


def test_parameters_are_typed_again_where_they_mean_what_was_injected() -> None:
    declared = _cell(1, "depth: int = 4\nrate: float = 0.1", tags=["parameters"])
    injected = _cell(
        2, "# Parameters\ndepth = 6\nrate = 1.0", id="injected-parameters", position=None
    )
    run = _run([declared, injected], parameters={"depth": "6", "rate": "1.0"})
    assert replay(run).parameters == {"depth": "6", "rate": "1.0"}
    other = _run([declared, injected], parameters={"depth": "7", "rate": "1.0"})
    assert replay(other).parameters == {}, "the injected cell counts"


def test_what_the_injected_cell_does_not_say_is_set_as_recorded() -> None:
    declared = _cell(1, "depth: int = 4\nrate: float = 0.1", tags=["parameters"])
    shared = _cell(2, "# Parameters\nrate = 1.0", id="injected-parameters", position=None)
    found = replay(_run([declared, shared], parameters={"depth": "6", "rate": "1.0"}))
    assert found.executions[1].source == "# Parameters\nrate = 1.0\ndepth = 6"


def test_secrets_are_given_by_reference_again(monkeypatch: pytest.MonkeyPatch) -> None:
    declared = _cell(1, "api_token: Secret = None\nn: int = 1", tags=["parameters"])
    source = "# Parameters\napi_token = __import__(\"os\").environ['MY_TOKEN']"
    injected = _cell(2, source, id="injected-parameters", position=None)
    run = _run([declared, injected], parameters={"api_token": "[redacted]"})
    monkeypatch.setenv("MY_TOKEN", "hunter2hunter2")
    assert replay(run).parameters == {"api_token": "env:MY_TOKEN"}
    monkeypatch.delenv("MY_TOKEN")
    with pytest.raises(MlopsError, match="MY_TOKEN is not set"):
        replay(run)


def test_a_secret_that_stood_in_a_cell_is_told() -> None:
    with pytest.raises(MlopsError) as caught:
        replay(_run([_cell(1, "password = '[redacted]'")]))
    assert caught.value.code == "reproduce.redacted"
    assert caught.value.place is not None
    assert caught.value.place.cell == 1


def test_data_is_found_by_its_content(tmp_path: Path) -> None:
    (tmp_path / "mlops.toml").write_text("")
    (tmp_path / "same.csv").write_text("1")
    (tmp_path / "changed.csv").write_text("2x")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "elsewhere.csv").write_text("333")
    run = _run(
        [_cell(1, "frame.to_csv('made.csv')\npd.read_csv('made.csv')\npd.read_csv('same.csv')")],
        datasets=[
            _read("same.csv", "1"),
            _read("changed.csv", "2"),
            _read("moved.csv", "333"),
            _read("gone.csv", "4444"),
            _read("made.csv", "5"),
            {**_read("https://example.org/x.csv", ""), "fingerprint": ""},
        ],
    )
    found = _find(tmp_path, run)
    assert {name: each.state for name, each in found.items()} == {
        "same.csv": "same",
        "changed.csv": "changed",
        "moved.csv": "moved",
        "gone.csv": "missing",
        "made.csv": "made by the run",
        "https://example.org/x.csv": "not proven",
    }
    with pytest.raises(MlopsError) as caught:
        require(list(found.values()), run)
    message = caught.value.message
    assert "changed.csv has changed (the run has read 1 bytes" in message
    assert "gone.csv is gone" in message
    assert "moved.csv" not in message

    target = tmp_path / "place"
    placed = place_data(Project(tmp_path), list(found.values()), target, replay(run).executions)
    assert (target / "moved.csv").read_text() == "333"
    assert not (target / "made.csv").exists()
    assert (target / "same.csv").stat().st_mode & 0o222 == 0
    assert next(each for each in placed if each.source == "same.csv").sha256


@pytest.mark.parametrize(
    ("source", "made"),
    [
        ("open('x.txt', 'w').write('a')", True),
        ("name = 'x.txt'\nframe.to_csv(name)", True),
        ("%%writefile out/x.txt\nhello", True),
        ("frame = pd.read_csv('x.txt')\nframe.to_csv('x.txt')", False),
        ("frame = pd.read_csv('x.txt')\nframe.to_csv('y.txt')", False),
        ("open('x.txt').read()", False),
    ],
)
def test_what_the_run_writes_first_need_not_be_there(
    tmp_path: Path, source: str, made: bool
) -> None:
    run = _run([_cell(1, source)], datasets=[_read("x.txt", "a")])
    assert (_find(tmp_path, run)["x.txt"].state == "made by the run") == made


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository whose project is a folder of it, with a change and two files not in git."""
    root = tmp_path / "repo" / "sub project"
    root.mkdir(parents=True)
    _git(root.parent, "init", "-q")
    (root.parent / "above.py").write_text("above = 1\n")
    (root / "helper.py").write_text("one = 1\ntwo = 2\n")
    (root / "värde.py").write_text("a = 1\n")
    (root / "data.csv").write_text("committed")
    _git(root.parent, "add", "-A")
    _git(root.parent, "commit", "-qm", "start")
    return root


def _recorded(root: Path, folder: Path) -> Recorded:
    folder.mkdir(exist_ok=True)
    diff = _git(root, "-c", "core.quotepath=off", "diff", "HEAD", "--", ".")
    (folder / "git.diff").write_text(diff)
    commit = _git(root, "rev-parse", "HEAD").strip()
    git = {"commit": commit, "branch": "main", "dirty": bool(diff), "untracked": []}
    return _run([_cell(1, "1")], git=git, folder=folder)


def test_code_comes_from_the_commit_and_the_kept_diff(repository: Path, tmp_path: Path) -> None:
    (repository / "helper.py").write_text("one = 1\ntwo = 3\n")
    (repository / "värde.py").write_text("a = 2\n")
    (repository / "new.py").write_text("new = 1\n")
    run = _recorded(repository, tmp_path / "journal")
    run.git["untracked"].append("sub project/new.py")
    (repository / "helper.py").write_text("one = 'changed since'\n")
    (repository / "värde.py").unlink()
    target = tmp_path / "place" / "project"
    found = restore_code(Project(repository), run, target)
    assert (target / "helper.py").read_text() == "one = 1\ntwo = 3\n"
    assert (target / "värde.py").read_text() == "a = 2\n"
    assert (target / "new.py").is_file()
    assert not (target / "above.py").exists()
    assert sorted(found.changed) == ["helper.py", "värde.py"]
    assert found.unproven == ["new.py"]
    assert found.lost == []
    assert _git(repository, "status", "--porcelain", "helper.py").startswith(" M"), "untouched"


def test_a_diff_that_was_redacted_is_told(repository: Path, tmp_path: Path) -> None:
    (repository / "helper.py").write_text("one = 1\npassword = 'x'\n")
    run = _recorded(repository, tmp_path / "journal")
    diff = tmp_path / "journal" / "git.diff"
    diff.write_text(diff.read_text().replace("'x'", "'[redacted]'"))
    target = tmp_path / "place"
    found = restore_code(Project(repository), run, target)
    assert found.lost == ["helper.py"]
    assert "password" in (target / "helper.py").read_text(), "as it is now"


def test_without_git_code_is_copied_and_nothing_is_proven(tmp_path: Path) -> None:
    root = tmp_path / "project"
    (root / ".venv").mkdir(parents=True)
    (root / "helper.py").write_text("x = 1\n")
    (root / ".venv" / "not.py").write_text("")
    (root / "big.csv").write_text("not code")
    found = restore_code(Project(root), _run([_cell(1, "1")]), tmp_path / "place")
    assert found.unproven == ["helper.py"]
    assert "nothing proves" in found.words


def test_data_that_has_changed_is_taken_from_the_commit(repository: Path, tmp_path: Path) -> None:
    run = _recorded(repository, tmp_path / "journal")
    run.datasets.append(_read("data.csv", "committed"))
    (repository / "data.csv").write_text("another")
    found = _find(repository, run)
    assert found["data.csv"].state == "from git"
    target = tmp_path / "place"
    place_data(Project(repository), list(found.values()), target, replay(run).executions)
    assert (target / "data.csv").read_text() == "committed"
