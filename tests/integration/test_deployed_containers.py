"""A release served from its image, on a real engine."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from jupyter_mlops.deploy import deployments as deploying
from jupyter_mlops.deploy import records
from jupyter_mlops.errors import MlopsError
from jupyter_mlops.images.engine import Engine
from jupyter_mlops.progress import drain
from jupyter_mlops.project import Project
from jupyter_mlops.serving.prediction_log import read
from tests.releases import build_image, make_release, seal


@pytest.mark.docker
@pytest.mark.timeout(600)
def test_containers_serve_switch_and_roll_back(project_root: Path, tmp_path: Path) -> None:
    project = Project(project_root)
    folders = [make_release(project_root, version=1), make_release(project_root, version=2)]
    tags = [build_image(folder, tmp_path / f"context-{folder.name}") for folder in folders]
    examples = json.loads((folders[0] / "serving" / "examples.json").read_text())
    engine = Engine.connect()
    try:
        # The model of version 3 does not answer as its notebook did.
        broken = shutil.copytree(folders[1], folders[1].with_name("3"))
        (broken / "serving" / "serve.py").write_text("def predict(frame):\n    return frame.bp\n")
        shutil.rmtree(broken / "pipeline")
        seal(broken, {"name": "diabetes", "version": 3, "images": None})
        tags.append(build_image(broken, tmp_path / "context-3"))

        first = drain(deploying.deploy("diabetes/1", project=project, endpoint="prod"))
        assert first.kind == "container"
        assert isinstance(first.server, records.ServerContainer)
        answer = deploying.ask("prod", examples["rows"], project)
        assert answer["predictions"] == pytest.approx(examples["predictions"], rel=1e-9)
        assert answer["release"] == "diabetes/1"
        assert len(read(project.predictions / "prod")) == len(examples["rows"])

        host = engine.client.containers.get(first.server.id).attrs["HostConfig"]
        assert host["ReadonlyRootfs"]
        assert host["CapDrop"] == ["ALL"]
        assert {b["HostIp"] for each in host["PortBindings"].values() for b in each} == {
            "127.0.0.1"
        }

        second = drain(deploying.deploy("diabetes/2", project=project, endpoint="prod"))
        assert (second.port, second.former) == (first.port, ("diabetes/1",))
        assert not first.running()
        assert deploying.ask("prod", examples["rows"], project)["release"] == "diabetes/2"

        with pytest.raises(MlopsError, match="row 0 gets") as refused:
            drain(deploying.deploy("diabetes/3", project=project, endpoint="prod"))
        assert refused.value.code == "deploy.not-ready"
        assert deploying.find("prod", project) == second
        assert second.alive()

        # From a container to a process and back, on the same port.
        third = drain(
            deploying.deploy("diabetes/1", project=project, endpoint="prod", container=False)
        )
        assert (third.kind, third.port) == ("process", first.port)
        assert third.alive()
        back = drain(deploying.deploy("diabetes/2", project=project, endpoint="prod"))
        assert (back.kind, back.port) == ("container", first.port)
        assert back.alive()
        assert not third.running()
        again = drain(deploying.rollback("prod", project=project))
        assert (again.release, again.kind) == ("diabetes/1", "container")
        assert len(read(project.predictions / "prod")) == 2 * len(examples["rows"])
    finally:
        for found in deploying.deployments(project):
            drain(deploying.stop(found.endpoint, project=project))
        for tag in tags:
            engine.client.images.remove(tag, force=True)
        left = engine.client.containers.list(all=True, filters={"label": "mlops.endpoint=prod"})
        engine.close()
    assert left == []
