"""Sweeps over the REST interface of a real Jupyter server: started, followed, stopped, opened."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.jupyter import Jupyter, start_server
from tests.support import until, write_notebook

PARAMETERS = (
    "depth: int = 6  # 1..20 how deep\nlr: float = 0.1  # 0.01..1.0\n"
    "kind: str = 'gini'  # one of: gini, entropy\nquick = True\nrows: int = 100\n"
    "password: str = ''"
)
CELLS = [
    ("parameters", PARAMETERS),
    ("", "import time\nbase = rows / 1000"),
    ("", "if depth == 13:\n    raise ValueError('unlucky')\ntime.sleep(lr if lr > 5 else 0)"),
    ("metrics", "auc = base + depth / 100"),
]
PATH = "work/churn.ipynb"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jupyter]:
    root = tmp_path_factory.mktemp("sweeps")
    (root / "mlops.toml").write_text("")
    write_notebook(root / PATH, CELLS)
    slow = [*CELLS[:1], ("", "x = depth\nimport time\ntime.sleep(60)"), ("metrics", "auc = 1.0")]
    write_notebook(root / "work" / "slow.ipynb", slow)
    with start_server("jupyter_server", root) as running:
        yield running


def request(path: str = PATH, **parameters: str) -> dict[str, Any]:
    return {"path": path, "parameters": parameters}


def ended(server: Jupyter, name: str, path: str = PATH) -> dict[str, Any]:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        view: dict[str, Any] = server.get(f"sweeps/run/{name}?path={path}").json()
        if view["status"] != "running":
            return view
        time.sleep(0.2)
    raise AssertionError(f"the sweep still runs: {view}")


@pytest.mark.parametrize(
    ("method", "endpoint"),
    [
        ("GET", f"sweeps?path={PATH}"),
        ("POST", "sweeps"),
        ("GET", f"sweeps/form?path={PATH}"),
        ("POST", "sweeps/plan"),
        ("GET", f"sweeps/run/x?path={PATH}"),
        ("DELETE", f"sweeps/run/x?path={PATH}"),
        ("POST", "sweeps/run/x/open"),
    ],
)
def test_nobody_is_answered_without_the_token(server: Jupyter, method: str, endpoint: str) -> None:
    answer = requests.request(method, server.api(endpoint), json=request(depth="1,2"), timeout=30)
    assert answer.status_code == 403
    assert server.get(f"sweeps?path={PATH}").json() == {"sweeps": []}


def test_what_can_be_swept(server: Jupyter) -> None:
    view = server.get(f"sweeps/form?path={PATH}").json()
    assert view["cores"] >= 1
    found = {each["name"]: each for each in view["parameters"]}
    assert found["depth"] == {
        "name": "depth",
        "type": "int",
        "default": "6",
        "allowed": "at least 1 and at most 20",
        "help": "1..20 how deep",
        "secret": False,
        "suggestion": "1:20:lin5",
    }
    words = {name: each["suggestion"] for name, each in found.items()}
    assert words == {
        "depth": "1:20:lin5",
        "lr": "0.01:1:lin5",
        "kind": "gini,entropy",
        "quick": "False,True",
        "rows": "",
        "password": "",
    }
    assert found["password"]["secret"]


def test_suggestions_make_a_plan(server: Jupyter) -> None:
    view = server.get(f"sweeps/form?path={PATH}").json()
    words = {each["name"]: each["suggestion"] for each in view["parameters"] if each["suggestion"]}
    plan = server.post("sweeps/plan", request(**words)).json()
    assert plan == {"points": 5 * 5 * 2 * 2, "fields": {}, "error": None}


def test_what_is_wrong_is_told_with_its_field(server: Jupyter) -> None:
    before = sorted(server.root.rglob("*"))
    body = request(depth="4,many", lr="0.1,0.2", kind="ginni", none="1")
    plan = server.post("sweeps/plan", body).json()
    assert plan["points"] is None
    assert sorted(plan["fields"]) == ["depth", "kind", "none"]
    assert plan["fields"]["depth"]["code"] == "parameters.type"
    assert "'many'" in plan["fields"]["depth"]["message"]
    how_many = server.post("sweeps/plan", request(lr="0.01:1")).json()
    assert how_many["error"]["code"] == "sweep.how-many"
    assert server.post("sweeps/plan", {**request(lr="0.01:1"), "random": 7}).json()["points"] == 7
    assert server.post("sweeps/plan", request(depth="4")).json()["points"] == 0
    assert sorted(server.root.rglob("*")) == before, "planning must write nothing"


def test_a_sweep_that_cannot_begin_is_refused_with_its_reason(server: Jupyter) -> None:
    answer = server.post("sweeps", request(depth="4,many"))
    assert answer.status_code == 422, answer.text
    assert answer.json()["code"] == "parameters.type"
    assert server.post("sweeps", request(depth="4")).json()["code"] == "sweep.nothing"
    assert server.post("sweeps", {**request(), "workers": 0}).status_code == 400
    assert server.get(f"sweeps?path={PATH}").json() == {"sweeps": []}


def test_a_sweep_from_start_to_its_notebooks(server: Jupyter) -> None:
    answer = server.post("sweeps", {**request(depth="4,8,13"), "workers": 2, "metric": "auc"})
    assert answer.status_code == 202, answer.text
    assert answer.json()["total"] == 3
    name = answer.json()["name"]
    view = ended(server, name)
    assert (view["status"], view["done"], view["failed"]) == ("ok", 3, 1)
    assert [row["number"] for row in view["rows"]] == [2, 1, 3], "best first, failed last"
    assert (view["best"], view["metric"], view["highest"]) == (2, "auc", True)
    assert view["rows"][0]["parameters"] == {"depth": 8}
    assert view["rows"][0]["metrics"]["auc"] == pytest.approx(0.18)
    assert "ValueError: unlucky" in view["rows"][2]["error"]
    assert view["shared"] > 0
    assert view["resume"] == f"jupyter mlops sweep {PATH} --resume {name}"
    listed = server.get(f"sweeps?path={PATH}").json()["sweeps"]
    assert [(each["name"], each["value"]) for each in listed] == [(name, pytest.approx(0.18))]

    opened = server.post(f"sweeps/run/{name}/open", {"path": PATH, "point": 2})
    assert opened.status_code == 200, opened.text
    run = view["rows"][0]["run"]
    assert opened.json() == {"path": f"work/{run}.ipynb"}
    content = json.loads((server.root / "work" / f"{run}.ipynb").read_text())
    assert content["metadata"]["jupyter_mlops"]["run"] == run
    assert view["summary"], view
    summary = server.post(f"sweeps/run/{name}/open", {"path": PATH}).json()["path"]
    copy = server.root / summary
    assert summary == f"work/{name}-summary.ipynb"
    copy.write_text("my own words")
    assert server.post(f"sweeps/run/{name}/open", {"path": PATH}).json()["path"] == summary
    assert copy.read_text() == "my own words", "what was opened before is the user's"


def test_a_running_sweep_shows_its_points_and_can_be_stopped(server: Jupyter) -> None:
    path = "work/slow.ipynb"
    started = server.post("sweeps", {**request(path, depth="1:6"), "workers": 1})
    assert started.status_code == 202, started.text
    name = started.json()["name"]
    again = server.post("sweeps", request(path, depth="1:3"))
    assert (again.status_code, again.json()["code"]) == (409, "sweep.running")
    until(lambda: _view(server, name, path)["rows"][0]["status"] == "running", 60)
    view = server.request("DELETE", f"sweeps/run/{name}?path={path}").json()
    assert (view["status"], view["done"], view["total"]) == ("stopped", 0, 6)
    assert view["error"] is None
    assert {row["status"] for row in view["rows"]} == {"waiting"}
    again = server.post(f"sweeps/run/{name}/open", {"path": path})
    assert (again.status_code, again.json()["code"]) == (404, "sweep.no-notebook")


def test_a_sweep_of_a_terminal_is_listed_stopped_and_known_as_dead(server: Jupyter) -> None:
    path, cwd = "work/slow.ipynb", server.root / "work"
    first, name = _in_terminal(server, cwd, path)
    assert _view(server, name, path)["status"] == "running"
    view = server.request("DELETE", f"sweeps/run/{name}?path={path}").json()
    assert view["status"] == "stopped"
    assert first.wait(30) == 130
    second, name = _in_terminal(server, cwd, path)
    second.kill()
    second.wait()
    assert _view(server, name, path)["status"] == "stopped", "nobody runs it"


@pytest.mark.parametrize(
    ("method", "endpoint", "body", "status", "code"),
    [
        ("GET", "sweeps?path=../outside.ipynb", None, 400, "request.path"),
        ("GET", "sweeps?path=work/none.ipynb", None, 404, "notebook.missing"),
        ("GET", "sweeps/form?path=work", None, 404, "notebook.missing"),
        ("GET", f"sweeps/run/none?path={PATH}", None, 404, "sweep.unknown"),
        ("GET", f"sweeps/run/..?path={PATH}", None, 404, "http.404"),
        ("GET", f"sweeps/run/...?path={PATH}", None, 404, "sweep.unknown"),
        ("DELETE", f"sweeps/run/none?path={PATH}", None, 404, "sweep.unknown"),
        ("POST", "sweeps/run/none/open", {"path": PATH}, 404, "sweep.unknown"),
        ("POST", "sweeps", {"path": PATH}, 400, "request.form"),
        ("POST", "sweeps/plan", {"path": PATH, "parameters": {"a": 1}}, 400, "request.form"),
    ],
)
def test_every_refusal_is_json(
    server: Jupyter, method: str, endpoint: str, body: Any, status: int, code: str
) -> None:
    answer = server.request(method, endpoint, body)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


def _view(server: Jupyter, name: str, path: str) -> dict[str, Any]:
    view: dict[str, Any] = server.get(f"sweeps/run/{name}?path={path}").json()
    return view


def _in_terminal(server: Jupyter, cwd: Path, path: str) -> tuple[subprocess.Popen[bytes], str]:
    """Start a sweep as a terminal does, and return it with its name once it is listed."""
    known = {each["name"] for each in _listed(server, path)}
    words = ["sweep", Path(path).name, "-p", "depth=1,2"]
    process = subprocess.Popen(
        [sys.executable, "-m", "jupyter_mlops.faces.cli", *words],
        cwd=cwd,
        stderr=subprocess.DEVNULL,
    )
    until(lambda: len(_listed(server, path)) > len(known), 120)
    return process, next(n for each in _listed(server, path) if (n := each["name"]) not in known)


def _listed(server: Jupyter, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = server.get(f"sweeps?path={path}").json()["sweeps"]
    return found
