"""The REST interface on a real Jupyter server: what it answers, and whom it refuses."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.jupyter import Jupyter, start_server
from tests.support import replaced, write_notebook


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jupyter]:
    root = tmp_path_factory.mktemp("server")
    (root / "mlops.toml").write_text("")
    write_notebook(root / "work" / "small.ipynb")
    (root.parent / "outside.ipynb").write_text((root / "work" / "small.ipynb").read_text())
    with start_server("jupyter_server", root) as running:
        yield running


@pytest.fixture(scope="module")
def content(server: Jupyter) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((server.root / "work" / "small.ipynb").read_text())
    return loaded


def test_status(server: Jupyter) -> None:
    from jupyter_mlops import __version__

    answer = server.get("status")
    assert answer.status_code == 200
    assert answer.json()["version"] == __version__


@pytest.mark.parametrize(
    ("method", "endpoint"),
    [
        ("GET", "status"),
        ("GET", "pipeline?path=work/small.ipynb"),
        ("POST", "pipeline"),
        ("POST", "suggestions"),
        ("GET", "promotions"),
        ("POST", "promotions"),
        ("GET", "promotions/" + "0" * 32),
        ("DELETE", "promotions/" + "0" * 32),
        ("GET", "nothing"),
    ],
)
def test_nobody_is_answered_without_the_token(server: Jupyter, method: str, endpoint: str) -> None:
    answer = requests.request(
        method, server.api(endpoint), json={"path": "work/small.ipynb"}, timeout=30
    )
    assert answer.status_code == 403
    assert answer.json()["code"] == "http.403"


def test_a_cookie_without_the_xsrf_token_starts_nothing(server: Jupyter) -> None:
    session = requests.Session()
    # a browser that has logged in, and another site's form
    session.get(f"{server.url}tree", params={"token": server.token}, timeout=30)
    answer = session.post(server.api("promotions"), json={"path": "work/small.ipynb"}, timeout=30)
    assert answer.status_code == 403
    assert server.get("promotions").json() == {"promotions": []}


def test_the_pipeline_of_a_file(server: Jupyter) -> None:
    before = sorted(server.root.rglob("*"))
    answer = server.get("pipeline?path=work/small.ipynb")
    assert answer.status_code == 200, answer.text
    view = answer.json()
    assert view["name"] == "small"
    assert view["notebook"] == "work/small.ipynb"
    assert [step["name"] for step in view["steps"]] == [
        "load",
        "split",
        "train",
        "evaluate",
        "serve",
    ]
    train = view["steps"][2]
    assert {each["name"]: each["provider"] for each in train["inputs"]} == {
        "X_train": "split",
        "y_train": "split",
    }
    assert train["parameters"] == ["alpha"]
    assert train["outputs"] == ["model"]
    cells = {cell["position"]: cell for cell in view["cells"]}
    assert cells[5]["step"] == "train"
    assert cells[1]["prelude"] is True
    assert cells[7]["tags"] == ["step:evaluate", "metrics"]
    assert view["serving"]["function"] == "predict"
    assert view["serving"]["cell"]["cell"] == 8
    assert [p["name"] for p in view["parameters"]] == ["rows", "alpha", "shift"]
    assert sorted(server.root.rglob("*")) == before, "reading must write nothing"


def test_the_pipeline_of_unsaved_content(server: Jupyter, content: dict[str, Any]) -> None:
    edited = json.loads(json.dumps(content))
    edited["cells"][4]["metadata"]["tags"] = ["step:fit"]
    answer = server.post("pipeline", {"path": "work/small.ipynb", "content": edited})
    assert answer.status_code == 200, answer.text
    assert [step["name"] for step in answer.json()["steps"]][2] == "fit"
    assert server.get("pipeline?path=work/small.ipynb").json()["steps"][2]["name"] == "train"


def test_suggested_tags_of_unsaved_content(server: Jupyter, content: dict[str, Any]) -> None:
    before = sorted(server.root.rglob("*"))
    edited = json.loads(json.dumps(content))
    for cell in edited["cells"]:
        cell["metadata"] = {}
    answer = server.post("suggestions", {"path": "work/small.ipynb", "content": edited})
    assert answer.status_code == 200, answer.text
    tags = [(each["cell"]["cell_id"], each["tag"]) for each in answer.json()["tags"]]
    assert tags[:2] == [("c1", "imports"), ("c2", "parameters")]
    assert ("c5", "step:train") in tags
    assert answer.json()["tags"][0]["reason"] == "only imports"
    tagged = server.post("suggestions", {"path": "work/small.ipynb", "content": content})
    assert tagged.json() == {"notebook": "work/small.ipynb", "tags": []}
    assert sorted(server.root.rglob("*")) == before, "suggesting must write nothing"


def test_an_error_has_its_place(server: Jupyter, content: dict[str, Any]) -> None:
    edited = json.loads(json.dumps(content))
    edited["cells"][1]["source"] = "rows: int = 400\nalpha = compute()"
    answer = server.post("pipeline", {"path": "work/small.ipynb", "content": edited})
    assert answer.status_code == 422
    error = answer.json()
    assert error["code"] == "parameters.not-plain"
    assert error["hint"]
    assert error["place"] == {
        "notebook": "work/small.ipynb",
        "cell": 2,
        "cell_id": "c2",
        "line": 2,
    }


@pytest.mark.parametrize(
    "path",
    [
        "../outside.ipynb",
        "work/../../outside.ipynb",
        "..%2Foutside.ipynb",
        "",
        "/",
        "work\\x",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_paths_stay_below_the_root(server: Jupyter, path: str, method: str) -> None:
    if method == "GET":
        answer = server.get(f"pipeline?path={path}")
    else:
        answer = server.post("promotions", {"path": requests.utils.unquote(path)})
    assert answer.status_code == 400
    assert answer.json()["code"] == "request.path"


def test_an_absolute_path_is_one_below_the_root(server: Jupyter) -> None:
    assert server.get("pipeline?path=/work/small.ipynb").status_code == 200
    assert server.get("pipeline?path=/etc/passwd").status_code == 404


@pytest.mark.parametrize(
    ("method", "endpoint", "body", "status", "code"),
    [
        ("GET", "pipeline?path=work/none.ipynb", None, 404, "notebook.missing"),
        ("POST", "promotions", {"path": "work/none.ipynb"}, 404, "notebook.missing"),
        ("POST", "promotions", {"path": "work"}, 404, "notebook.missing"),
        ("POST", "promotions", {"path": "a\0b"}, 400, "request.path"),
        ("POST", "promotions", {"notebook": "a"}, 400, "request.form"),
        ("POST", "pipeline", {"path": "a.ipynb", "content": 3}, 400, "request.form"),
        ("POST", "pipeline", {"path": "a.ipynb", "content": {}}, 422, "notebook.invalid"),
        ("POST", "suggestions", {"path": "a.ipynb", "content": {}}, 422, "notebook.invalid"),
        ("POST", "suggestions", {"path": "../a.ipynb", "content": {}}, 400, "request.path"),
        ("GET", "promotions/" + "0" * 32, None, 404, "promotion.unknown"),
        ("DELETE", "promotions/" + "0" * 32, None, 404, "promotion.unknown"),
        ("GET", "promotions/nonsense", None, 404, "http.404"),
        ("GET", "nothing", None, 404, "http.404"),
        ("PUT", "status", None, 405, "http.405"),
    ],
)
def test_every_refusal_is_json(
    server: Jupyter, method: str, endpoint: str, body: Any, status: int, code: str
) -> None:
    answer = server.request(method, endpoint, body)
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"].startswith("application/json")
    error = answer.json()
    assert error["code"] == code
    assert error["message"]
    assert "Traceback" not in answer.text


def test_a_refused_promotion_tells_the_cell(server: Jupyter) -> None:
    broken = replaced("step:train", "model = Ridge(alpha=alpha).fit(X_train, y_missing)")
    write_notebook(server.root / "work" / "broken.ipynb", broken)
    view = _wait(server, server.post("promotions", {"path": "work/broken.ipynb"}))
    assert view["status"] == "failed", view
    assert view["error"]["place"]["cell"] == 5
    assert "y_missing" in view["error"]["message"]
    assert view["result"] is None


def test_a_promotion_can_be_cancelled(server: Jupyter) -> None:
    slow = replaced("step:load", "import time\ntime.sleep(120)\ndata = None")
    write_notebook(server.root / "work" / "slow.ipynb", slow)
    started = server.post("promotions", {"path": "work/slow.ipynb"})
    assert started.status_code == 202
    again = server.post("promotions", {"path": "work/slow.ipynb"})
    assert again.status_code == 409
    assert again.json()["code"] == "promotion.running"
    answer = server.request("DELETE", f"promotions/{started.json()['id']}")
    assert answer.json()["status"] == "cancelled"
    listed = server.get("promotions?path=work/slow.ipynb").json()["promotions"]
    assert [each["status"] for each in listed] == ["cancelled"]


def test_the_server_loads_no_machine_learning_library(server: Jupyter) -> None:
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "import jupyter_mlops.faces.server\n"
        "from jupyter_mlops.faces.pipeline_view import pipeline_view\n"
        "pipeline_view(Path(sys.argv[1]), 'small.ipynb')\n"
        "heavy = {'mlflow', 'pandas', 'numpy', 'sklearn', 'scipy', 'papermill', 'docker'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, server.root / "work" / "small.ipynb"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


def _wait(server: Jupyter, started: requests.Response, seconds: float = 120) -> dict[str, Any]:
    assert started.status_code == 202, started.text
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        view: dict[str, Any] = server.get(f"promotions/{started.json()['id']}").json()
        if view["status"] != "running":
            return view
        time.sleep(0.3)
    raise AssertionError(f"the promotion still runs: {view}")
