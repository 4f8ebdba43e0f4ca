"""Real servers: deployed, switched under load, rolled back, stopped."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.deploy import deployments as deploying
from jupyter_mlops.deploy import records
from jupyter_mlops.errors import MlopsError
from jupyter_mlops.governance.audit import AuditLog
from jupyter_mlops.progress import drain
from jupyter_mlops.project import Project
from jupyter_mlops.serving.prediction_log import read
from tests.releases import make_release, seal


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with two releases of one model."""
    root = tmp_path_factory.mktemp("project")
    (root / "mlops.toml").write_text("")
    make_release(root, version=1)
    make_release(root, version=2, alpha=1000.0)
    return root


@pytest.fixture
def project(made: Path, project_root: Path) -> Iterator[Project]:
    shutil.copytree(made / ".mlops", project_root / ".mlops")
    project = Project(project_root)
    yield project
    for found in deploying.deployments(project):
        drain(deploying.stop(found.endpoint, project=project))


def examples(project: Project, version: int = 1) -> dict[str, Any]:
    path = project.releases / "diabetes" / str(version) / "serving" / "examples.json"
    return json.loads(path.read_text())


def deploy(project: Project, ref: str, **options: Any) -> deploying.Deployment:
    return drain(deploying.deploy(ref, project=project, container=False, **options))


class Client(threading.Thread):
    """Asks again and again, one request at a time, and counts what it gets."""

    def __init__(self, port: int, rows: list[Any], *, keep: bool) -> None:
        super().__init__(daemon=True)
        self.port, self.keep = port, keep
        self.body = json.dumps({"rows": rows})
        self.answers: Counter[str] = Counter()
        self.failures: list[str] = []
        self.ending = threading.Event()

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        while not self.ending.is_set():
            try:
                connection.request("POST", "/predict", self.body)
                with connection.getresponse() as response:
                    content = json.loads(response.read())
                    self.answers[content.get("release", str(content))] += 1
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))
                connection.close()
            if not self.keep:
                connection.close()
            time.sleep(0.002)
        connection.close()


def test_a_switch_refuses_no_request(project: Project) -> None:
    first = deploy(project, "diabetes/1")
    rows = examples(project)["rows"]
    clients = [Client(first.port, rows, keep=keep) for keep in (False, False, True)]
    for client in clients:
        client.start()
    try:
        second = deploy(project, "diabetes/2")
        third = drain(deploying.rollback("diabetes", project=project))
        time.sleep(0.3)
    finally:
        for client in clients:
            client.ending.set()
        for client in clients:
            client.join(30)
    assert [client.failures for client in clients] == [[], [], []]
    for client in clients:
        assert client.answers.keys() == {"diabetes/1", "diabetes/2"}
    assert (second.port, third.port) == (first.port, first.port)
    assert (second.former, third.former) == (("diabetes/1",), ())
    assert not first.running()
    assert not second.running()
    assert third.alive()

    # Every acknowledged prediction is in the log, under the release that gave it.
    log = read(project.predictions / "diabetes")
    logged = log.groupby("_release")["_request_id"].nunique().to_dict()
    acknowledged: Counter[str] = Counter()
    for client in clients:
        acknowledged.update(client.answers)
    assert logged == dict(acknowledged)

    entries = AuditLog(project).entries()
    assert [(e.action, e.outcome, e.details["release"]) for e in entries] == [
        ("deploy", "ok", "diabetes/1"),
        ("deploy", "ok", "diabetes/2"),
        ("rollback", "ok", "diabetes/1"),
    ]


def test_what_fails_leaves_the_former_release(project: Project) -> None:
    first = deploy(project, "diabetes")
    assert first.release == "diabetes/2"
    own = examples(project, 2)
    answer = deploying.ask("diabetes", own["rows"], project)
    assert answer["predictions"] == pytest.approx(own["predictions"], rel=1e-9)

    # An altered file, then a model that answers differently, then a server that says nothing.
    folder = project.releases / "diabetes" / "1"
    examples_file = folder / "serving" / "examples.json"
    text = examples_file.read_text()
    changed = json.loads(text)
    changed["predictions"][2] += 1.0
    examples_file.write_text(json.dumps(changed))
    with pytest.raises(MlopsError, match=r"serving/examples\.json") as altered:
        deploy(project, "diabetes/1")
    assert altered.value.code == "serving.altered"

    seal(folder, {"name": "diabetes", "version": 1, "images": None})
    with pytest.raises(MlopsError, match="row 2 gets") as different:
        deploy(project, "diabetes/1")
    assert different.value.code == "serving.self-test"

    with (folder / "serving" / "serve.py").open("a") as stream:
        stream.write("\nimport os\nprint('about to end', flush=True)\nos._exit(3)\n")
    seal(folder, {"name": "diabetes", "version": 1, "images": None})
    with pytest.raises(MlopsError, match="about to end") as silent:
        deploy(project, "diabetes/1")
    assert silent.value.code == "deploy.not-ready"

    (folder / "serving" / "serve.py").write_text("import time\ntime.sleep(600)\n")
    seal(folder, {"name": "diabetes", "version": 1, "images": None})
    with pytest.raises(MlopsError) as late:
        deploy(project, "diabetes/1", timeout=3.0)
    assert late.value.code == "deploy.not-ready"

    found = deploying.find("diabetes", project)
    assert found == first
    assert found.alive()
    assert [e.outcome for e in AuditLog(project).entries()] == ["ok", *["failed"] * 4]
    left = [path.name for path in project.deployments.glob("*.sock")]
    assert len(left) <= 1, "a failed server leaves no socket"


def test_a_server_that_cannot_hand_over_is_replaced(project: Project) -> None:
    first = deploy(project, "diabetes/1")
    assert isinstance(first.server, records.ServerProcess)
    Path(first.server.control).unlink()
    second = deploy(project, "diabetes/2")
    assert second.port == first.port
    assert not first.running()
    assert second.alive()


def test_stop_and_start_again(project: Project) -> None:
    first = deploy(project, "diabetes/1", endpoint="prod")
    stopped = drain(deploying.stop("prod", project=project))
    assert not first.running()
    assert not stopped.alive()
    assert deploying.find("prod", project) == stopped
    with pytest.raises(MlopsError) as down:
        deploying.ask("prod", examples(project)["rows"], project)
    assert down.value.code == "deploy.down"

    again = deploy(project, "diabetes/1", endpoint="prod")
    assert again.port == first.port
    with pytest.raises(MlopsError) as none:
        drain(deploying.rollback("prod", project=project))
    assert none.value.code == "deploy.no-former"

    # A server that was killed is seen, and a stranger with its number is not taken for it.
    assert isinstance(again.server, records.ServerProcess)
    os.kill(again.server.pid, signal.SIGKILL)
    deploying.wait(again)
    assert not again.alive()
    control = again.server.control
    stranger = records.ServerProcess(os.getpid(), again.server.start - 3600, control)
    assert not stranger.running()
    stranger.stop()  # does nothing


def test_a_taken_port(project: Project) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(MlopsError, match=str(port)) as taken:
            deploy(project, "diabetes/1", port=port)
        assert taken.value.code == "serving.port"
        assert deploying.deployments(project) == []


def test_one_change_at_a_time(project: Project) -> None:
    progress = deploying.deploy("diabetes/1", project=project, container=False)
    next(progress)
    with pytest.raises(MlopsError) as busy:
        deploy(project, "diabetes/2")
    assert busy.value.code == "project.busy"
    progress.close()
    assert deploying.deployments(project) == []


@pytest.mark.parametrize("name", ["../up", "", "a/b", ".hidden", "x" * 64])
def test_names_that_are_no_endpoints(project: Project, name: str) -> None:
    with pytest.raises(MlopsError) as unknown:
        deploying.find(name, project)
    assert unknown.value.code == "deploy.unknown"
    if name:
        with pytest.raises(MlopsError) as refused:
            deploy(project, "diabetes/1", endpoint=name)
        assert refused.value.code == "deploy.endpoint"
