"""Runs are reproduced for real: environments through uv, code from git, kernels, evidence."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import pytest
from click.testing import CliRunner

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.faces.cli import main
from jupyter_mlops.governance.audit import AuditLog
from jupyter_mlops.progress import drain
from jupyter_mlops.project import Project
from jupyter_mlops.reproduction.environment import make_environment
from jupyter_mlops.reproduction.recorded import Recorded, of_run
from jupyter_mlops.reproduction.reproduce import Reproduction, reproduce, verify
from jupyter_mlops.rerun import rerun
from jupyter_mlops.tracking.store import Store
from tests.kernels import start_kernel
from tests.support import write_notebook

SEEDED = [
    ("imports", "import numpy as np\nfrom helper import scale"),
    ("parameters", "factor: float = 1.0\nnames: list = ['a']"),
    ("", "values = np.loadtxt('data/values.csv')\nprint(len(values), names)"),
    ("", "noise = np.random.default_rng(7).normal(size=values.size)\nnoise[:2]"),
    ("metrics", "score = float(scale(values + noise, factor).mean())"),
    ("", "int('not a number')"),
]
UNSEEDED = [
    ("", "import random\nsteady = 2"),
    ("", "drawn = random.random()"),
    ("metrics", "luck = drawn * steady\nhalf = steady / 4"),
    ("", "print('steady', steady)"),
]


def _git(root: Path, *words: str) -> None:
    identity = ("-c", "user.name=Ann", "-c", "user.email=ann@example.org")
    subprocess.run(["git", *identity, *words], cwd=root, check=True, capture_output=True)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A repository whose data is not in git."""
    root = tmp_path_factory.mktemp("reproduce")
    (root / "mlops.toml").write_text("")
    (root / ".gitignore").write_text("data/\n")
    (root / "helper.py").write_text("def scale(values, factor):\n    return values * factor\n")
    (root / "data").mkdir()
    (root / "data" / "values.csv").write_text("1.5\n2.5\n4.0\n")
    write_notebook(root / "seeded.ipynb", SEEDED)
    write_notebook(root / "unseeded.ipynb", UNSEEDED)
    _git(root, "init", "-q")
    _git(root, "add", "-A")
    _git(root, "commit", "-qm", "start")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("JUPYTER_MLOPS_PROJECT", "JUPYTER_MLOPS_RUN", "MLFLOW_TRACKING_URI"):
            patch.delenv(name, raising=False)
        patch.setenv("JUPYTER_MLOPS_WRITER", "off")
        yield Project(root)


@pytest.fixture(scope="module")
def seeded(project: Project) -> str:
    """A run that failed in its last cell; its module was changed before, and again after."""
    helper = project.root / "helper.py"
    helper.write_text(helper.read_text() + "# a change that was never committed\n")
    with pytest.raises(MlopsError, match="invalid literal"):
        drain(
            rerun(
                project.root / "seeded.ipynb",
                {"factor": "3", "names": ["b", "c"]},
                project=project,
                run="seeded-1",
            )
        )
    helper.write_text("def scale(values, factor):\n    return values * 0\n")
    return "seeded-1"


@pytest.fixture(scope="module")
def certified(project: Project, seeded: str) -> Reproduction:
    return drain(reproduce(seeded, project=project))


def _verdicts(found: Reproduction) -> dict[str, str]:
    outputs = found.certificate.outputs
    return {f"{each.kind} {each.name or each.cell}": each.verdict for each in outputs}


def test_a_run_is_identical_in_an_environment_of_its_own(
    project: Project, certified: Reproduction
) -> None:
    found = certified.certificate
    assert found.verdict == "identical", [e for e in found.outputs if e.verdict != "identical"]
    verdicts = _verdicts(certified)
    assert set(verdicts.values()) == {"identical"}
    assert {"metric score", "printed cell 3", "printed cell 4", "error cell 6"} <= set(verdicts)
    assert "data data/values.csv" in verdicts
    assert found.environment.fresh
    assert found.environment.python != Path(sys.executable)
    assert found.environment_differences == ()
    assert not found.environment.python.exists(), "the clean place is removed"
    assert found.run.metrics["score"] != [0.0]
    assert found.code.changed == ["helper.py"], "from the commit and the kept diff"
    assert "* 0" in (project.root / "helper.py").read_text()
    assert Store(project).run("latest").run == "seeded-1", "the user's store has no run more"
    lock = (certified.folder / "requirements.txt").read_text()
    assert f"numpy=={metadata.version('numpy')}" in lock


def test_the_evidence_is_signed_and_logged(project: Project, certified: Reproduction) -> None:
    opened = verify(certified.evidence, certified.key)
    assert opened.predicate["verdict"] == "identical"
    assert opened.predicate["run"]["parameters"] == {"factor": "3.0", "names": '["b", "c"]'}
    assert opened.predicate["python"]["run"] == opened.predicate["python"]["here"]
    names = {each["name"] for each in opened.statement["subject"]}
    assert names == {"seeded.ipynb", "requirements.txt", "data/values.csv"}
    (entry,) = (e for e in AuditLog(project).entries() if e.action == "reproduce")
    assert (entry.subject, entry.outcome) == ("seeded-1", "ok")
    shown = CliRunner().invoke(main, ["reproduce", "--verify", str(certified.evidence)])
    assert shown.exit_code == 0, shown.output
    assert "is as it was written" in shown.output

    altered = project.root / "altered.json"
    altered.write_bytes(certified.evidence.read_bytes().replace(b'"payload":"e', b'"payload":"f'))
    refused = CliRunner().invoke(main, ["reproduce", "--verify", str(altered)])
    assert refused.exit_code == 1
    assert "evidence.altered" in refused.output


def test_changed_data_is_refused_before_anything_runs(
    project: Project, seeded: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = project.root / "data" / "values.csv"
    before = path.read_text()
    path.write_text("1.5\n2.5\n4.5\n")
    monkeypatch.chdir(project.root)
    try:
        refused = CliRunner().invoke(main, ["reproduce", seeded])
    finally:
        path.write_text(before)
    assert refused.exit_code == 1
    assert "reproduce.data" in refused.output
    assert "data/values.csv has changed (the run has read 12 bytes" in refused.output
    assert "Nothing was run" in refused.output


def test_a_missing_seed_is_named_by_its_cell(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    executed = project.root / "executed.ipynb"
    drain(rerun(project.root / "unseeded.ipynb", project=project, output=executed))
    monkeypatch.chdir(project.root)
    result = CliRunner().invoke(
        main, ["reproduce", str(executed), "--same-environment", "-o", "evidence.json", "--json"]
    )
    assert result.exit_code == 1, result.output
    facts = json.loads(result.output.splitlines()[-1])["data"]
    assert facts["verdict"] == "different"
    by_name = {each["name"] or each["cell"]: each for each in facts["outputs"]}
    assert by_name["luck"]["verdict"] == "different"
    assert by_name["luck"]["cause_cell"] == 2
    assert "cell 2, line 1 draws random numbers without a seed" in by_name["luck"]["cause"]
    assert by_name["half"]["verdict"] == by_name["cell 4"]["verdict"] == "identical"
    assert any("set a seed" in step for step in facts["next_steps"])
    assert verify(project.root / "evidence.json").predicate["verdict"] == "different"
    page = Path(facts["page"]).read_text()
    assert "draws random numbers without a seed" in page


def test_an_interactive_run_is_done_again_in_the_order_of_its_cells(project: Project) -> None:
    path = write_notebook(
        project.root / "live.ipynb",
        [
            ("", "%load_ext jupyter_mlops\nimport pandas as pd\ncount = 0"),
            ("metrics", "count += 1\ntotal = count * 10"),
            ("", "frame = pd.DataFrame({'x': [count, total]})\nframe"),
            ("", "raise ValueError(f'at {count}')"),
            ("", "print('never kept')"),
        ],
    )
    cells = json.loads(path.read_text())["cells"]
    environment = {"JPY_SESSION_NAME": str(path), "JUPYTER_MLOPS_WRITER": "off"}
    with start_kernel(path.parent, environment) as kernel:
        for number in (1, 2, 2, 4, 2, 3, 5):
            kernel.run(cells[number - 1]["source"], f"c{number}")
    found = drain(reproduce(project=project, same_environment=True, keep=True))
    verdicts = _verdicts(found)
    assert found.certificate.verdict == "identical", found.certificate.outputs
    assert found.certificate.run.metrics["total"] == [10.0, 20.0, 30.0]
    assert verdicts["metric total"] == "identical"
    assert verdicts["error cell 4"] == "identical"
    assert verdicts["table 1"] == "identical"
    assert verdicts["frame frame"] == "identical"
    assert verdicts["printed cell 2"] == "not compared" if "printed cell 2" in verdicts else True
    untold = next(e for e in found.certificate.outputs if e.verdict == "not compared")
    assert "printed text is not kept" in untold.words
    assert found.place is not None
    assert (found.place / "project" / "live.ipynb").is_file()


def test_a_distribution_that_is_not_to_be_had_is_told(
    project: Project, seeded: str, tmp_path: Path
) -> None:
    recorded = of_run(Store(project), Store(project).run(seeded))
    small: Recorded = replace(
        recorded,
        python="3.11.99",
        distributions={
            "idna": metadata.version("idna"),
            "jupyter-mlops": "0.0.1",
            "jupyter-mlops-never-made": "1.0",
        },
        local=("jupyter-mlops",),
    )
    found = make_environment(project, small, tmp_path / "venv", tmp_path / "project")
    assert found.missing == ["jupyter-mlops 0.0.1", "jupyter-mlops-never-made 1.0"]
    assert found.installed == 1
    assert "idna==" in found.lock
    assert "not to be had" in found.words
    assert "the run's 3.11.99 is not on this machine" in found.words
    (taken,) = found.taken
    assert taken == f"jupyter-mlops {metadata.version('jupyter-mlops')}"
    done = subprocess.run(
        [str(found.python), "-c", "import idna, jupyter_mlops; print(idna.__file__)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert str(tmp_path) in done.stdout
