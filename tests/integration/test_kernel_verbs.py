"""``%mlops`` on a live kernel: runs begun and ended, notes, tags, numbers; completion."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.capture import journal
from jupyter_mlops.capture.records import (
    CellEnd,
    CellStart,
    End,
    Frame,
    Metric,
    Note,
    Shown,
    Start,
    Tag,
)
from jupyter_mlops.errors import MlopsError
from jupyter_mlops.progress import drain
from jupyter_mlops.project import Project
from jupyter_mlops.rerun.rerun import rerun
from jupyter_mlops.tracking import annotating
from jupyter_mlops.tracking.store import Store
from tests.kernels import Kernel, start_kernel
from tests.support import write_notebook

SCORED = (
    "import pandas as pd\nfrom sklearn.metrics import accuracy_score\n"
    "accuracy_score([1, 0], [1, 1])\nframe = pd.DataFrame({'a': [1, 2]})\nframe"
)
CELLS = [
    "%load_ext jupyter_mlops",
    f"history = [0.5, 0.25]\nx = 1\n{SCORED}",
    "%mlops log loss=history[-1] val/loss=max(history), step=7",
    "for epoch in range(3):\n    %mlops log rate=1 / (epoch + 1)",
    '%mlops note it\'s {x} of "two"',
    "%mlops tag owner=ada 'data set=flights 2013' baseline",
    "%%mlops note\nlong\nwords",
    "%mlops start wide/forest",
    SCORED,
    "%mlops stop",
    "%mlops log loss=1",
    "%mlops log loss=1",
    "%mlops suggest",
    "%mlops start",
    "w = 4",
]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    root = tmp_path_factory.mktemp("verbs")
    (root / "mlops.toml").write_text("")
    return Project(root)


@pytest.fixture(scope="module")
def kernel(project: Project) -> Iterator[Kernel]:
    path = write_notebook(project.root / "nb.ipynb", [("", source) for source in CELLS])
    environment = {"JPY_SESSION_NAME": str(path), "JUPYTER_MLOPS_WRITER": "off"}
    with pytest.MonkeyPatch.context() as patch:
        for name in ("JUPYTER_MLOPS_PROJECT", "JUPYTER_MLOPS_RUN", "MLFLOW_TRACKING_URI"):
            patch.delenv(name, raising=False)
        with start_kernel(project.root, environment) as started:
            yield started


@pytest.fixture(scope="module")
def texts(kernel: Kernel) -> list[str]:
    """What each cell said."""
    said = []
    for number, source in enumerate(CELLS, 1):
        reply, text = kernel.run(source, f"c{number}")
        assert reply["status"] == "ok", (source, reply)
        said.append(text)
    return said


@pytest.fixture(scope="module")
def runs(project: Project, texts: list[str]) -> list[list[Any]]:
    """The records of the three runs, in the order in which they began."""
    folders = project.journals.iterdir()
    found = [journal.read_all(folder / journal.NAME) for folder in folders]
    return sorted(found, key=lambda records: records[0].time)


def _of(records: list[Any], kind: type) -> list[Any]:
    return [record for record in records if isinstance(record, kind)]


def test_each_start_begins_a_run_of_its_own(texts: list[str], runs: list[list[Any]]) -> None:
    names = [_of(records, Start)[0].run for records in runs]
    assert [name.split("-20")[0] for name in names] == ["nb", "wide-forest", "nb"]
    assert f"{names[0]} has ended" in texts[7]
    assert names[1] in texts[7]
    assert f"{names[1]} has ended" in texts[9]
    assert names[2] in texts[13]


def test_nothing_is_lost_and_nothing_is_captured_in_between(runs: list[list[Any]]) -> None:
    sources = [[record.source for record in _of(records, CellStart)] for records in runs]
    assert sources == [CELLS[:8], CELLS[7:10], CELLS[13:]]
    for records, sources_of in zip(runs[:2], sources, strict=False):
        assert [record.outcome for record in _of(records, CellEnd)] == ["ok"] * len(sources_of)
        assert isinstance(records[-1], End)
        assert records[-1].status == "FINISHED"
    assert not _of(runs[2], End)


def test_numbers_have_names_values_and_steps(runs: list[list[Any]]) -> None:
    metrics = [m for m in _of(runs[0], Metric) if m.order > 2]
    found = [(m.name, m.value, m.step, m.order) for m in metrics]
    rates = [("rate", 1 / (epoch + 1), epoch, 4) for epoch in range(3)]
    assert found == [("loss", 0.25, 7, 3), ("val/loss", 0.5, 7, 3), *rates]


def test_the_next_run_is_captured_as_the_first(runs: list[list[Any]]) -> None:
    for records, order in zip(runs[:2], (2, 2), strict=False):
        scores = [m for m in _of(records, Metric) if m.name.startswith("accuracy_score")]
        assert [(m.value, m.order) for m in scores] == [(0.5, order)]
        assert [(f.name, f.rows) for f in _of(records, Frame)] == [("frame", 2)]
        assert [(s.kind, s.order) for s in _of(records, Shown)] == [("table", order)]


def test_what_is_logged_while_capture_is_off_is_told_once(texts: list[str]) -> None:
    assert "%mlops start" in texts[10]
    assert texts[11] == ""


def test_the_notebook_is_known_while_capture_is_off(texts: list[str]) -> None:
    assert "step:" in texts[12]


def test_notes_are_kept_as_written_with_values_in_braces(runs: list[list[Any]]) -> None:
    assert [note.text for note in _of(runs[0], Note)] == ['it\'s 1 of "two"', "long\nwords"]


def test_tags_are_names_and_values(runs: list[list[Any]]) -> None:
    tags = {tag.key: tag.value for tag in _of(runs[0], Tag)}
    assert tags == {"owner": "ada", "data set": "flights 2013", "baseline": "true"}


def test_past_and_present_runs_are_noted_and_tagged_from_elsewhere(
    project: Project, runs: list[list[Any]]
) -> None:
    store = Store(project)
    store.sync()
    past, present = runs[0][0].run, runs[2][0].run
    for run in (past, present):
        assert annotating.note(store, run, "worth a second look") == run
        assert annotating.tag(store, run, {"stage": "review", "empty": ""}) == run
    store.sync()
    for run in (past, present):
        tags = store.client.get_run(store.run_id(run)).data.tags
        assert (tags["stage"], tags["empty"]) == ("review", "")
        assert tags["mlflow.note.content"].count("worth a second look") == 1
    tags = store.client.get_run(store.run_id(past)).data.tags
    assert (tags["owner"], tags["baseline"]) == ("ada", "true")
    note = tags["mlflow.note.content"]
    assert note.index("it's 1 of") < note.index("long\nwords") < note.index("worth a second")
    with pytest.raises(MlopsError, match="no run `nope`"):
        annotating.note(store, "nope", "words")


def test_a_rerun_is_one_run(project: Project, texts: list[str]) -> None:
    cells = [CELLS[0], "%mlops start", "%mlops log loss=0.5", "%mlops stop", "%mlops note kept"]
    path = write_notebook(project.root / "again.ipynb", [("", source) for source in cells])
    known = set(project.journals.iterdir())
    done = drain(rerun(path, project=project))
    assert done.metrics == {"loss": 0.5}
    (folder,) = set(project.journals.iterdir()) - known
    records = journal.read_all(folder / journal.NAME)
    assert [cell.source for cell in _of(records, CellStart)] == cells
    assert [note.text for note in _of(records, Note)] == ["kept"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("%mlops log loss=nope", "log.value: `loss=nope` failed: NameError"),
        ("%mlops log loss=[1]", "log.value: `loss` is a list"),
        ("%mlops log loss=1 step=0.5", "log.step: The step 0.5 is no whole number"),
        ("%mlops log", "log.form: There is no value to log"),
        ("%mlops tag mlflow.user=me", "tag.reserved"),
        ("%mlops note", "note.empty"),
        ("%mlops fly", "mlops.verb: There is no verb `fly`"),
        ("%mlops promot", "did you mean `promote`?"),
        ("%mlops show 'abc", "mlops.quotes: `'abc` cannot be read: no closing quotation"),
        ("%mlops start --fly", "mlops.usage: No such option '--fly'"),
        ("%%mlops fly\nx = 1", "cell.magic: `%%mlops fly` cannot be read"),
        ("%%mlops step\nx = 1", "cell.magic: `%%mlops step` cannot be read: `step` says no name"),
    ],
)
def test_an_error_is_one_line(kernel: Kernel, texts: list[str], line: str, words: str) -> None:
    reply, _ = kernel.run(line, "c99")
    assert reply["status"] == "error"
    (shown,) = reply["traceback"]
    assert words in shown
    assert "To do: " in shown
    assert "\n" not in shown


def test_help_is_there_at_once_and_without_mlflow(kernel: Kernel, texts: list[str]) -> None:
    _, general = kernel.run("%mlops --help")
    assert "%mlops VERB --help" in general
    _, one = kernel.run("%mlops log --help")
    assert "history[-1]" in one
    content = kernel.client.inspect("%mlops", reply=True, timeout=20)["content"]
    assert general.strip() in content["data"]["text/plain"]
    assert kernel.run("'mlflow' in __import__('sys').modules")[1] == "False"


@pytest.mark.parametrize(
    ("code", "first"),
    [
        ("%mlops ", "status"),
        ("%mlops prom", "promote"),
        ("x = 1\n%mlops runs --lim", "--limit"),
        ("%mlops show la", "latest"),
        ("%mlops show wide-forest-20", "wide-forest-20"),
        ("%mlops rerun n", "nb.ipynb"),
        ("%%mlops st", "step"),
    ],
)
def test_completion_in_a_kernel(kernel: Kernel, texts: list[str], code: str, first: str) -> None:
    content = kernel.client.complete(code, reply=True, timeout=20)["content"]
    written = code[: content["cursor_start"]] + content["matches"][0]
    assert written.startswith(code)
    assert content["matches"][0].startswith(first)


def test_other_lines_are_completed_as_ever(kernel: Kernel, texts: list[str]) -> None:
    content = kernel.client.complete("histo", reply=True, timeout=20)["content"]
    assert "history" in content["matches"]


def test_a_terminal_has_the_same_verbs(tmp_path: Path) -> None:
    (tmp_path / "mlops.toml").write_text("")
    code = (
        "from IPython.terminal.interactiveshell import TerminalInteractiveShell as Shell\n"
        "from IPython.core.completer import provisionalcompleter\n"
        "shell = Shell.instance()\n"
        "shell.run_line_magic('load_ext', 'jupyter_mlops')\n"
        "shell.run_cell('%mlops log a=1', store_history=True)\n"
        "shell.run_cell('%mlops', store_history=True)\n"
        "for jedi in (True, False):\n"
        "    shell.Completer.use_jedi = jedi\n"
        "    with provisionalcompleter():\n"
        "        print([c.text for c in shell.Completer.completions('%mlops sta', 10)])\n"
        "print(shell.check_complete('%%mlops step a\\nx = 1\\n')[0])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={
            **_plain_environment(),
            "HOME": str(tmp_path),
            "IPYTHONDIR": str(tmp_path / "ipython"),
            "JUPYTER_MLOPS_WRITER": "off",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert "a=1" in done.stdout
    assert done.stdout.count("['status', 'start']") == 2
    assert done.stdout.endswith("incomplete\n")


def _plain_environment() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER_MLOPS", "MLFLOW"))}
