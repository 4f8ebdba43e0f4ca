"""Images built and containers run on a real Docker engine, by both builders."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.images import builders, containers, context, dockerfile
from jupyter_mlops.images.engine import Engine
from jupyter_mlops.images.requirements import lock, pins
from jupyter_mlops.progress import Event, drain
from jupyter_mlops.settings import ImageSettings

BASE = "python:3.11-slim"
NAME = 'odd "name" $HOME \\ `x`.ipynb'
DIGEST = "cd" * 32


@dataclass(frozen=True)
class Described:
    name: str = "images-test"
    notebook: str = NAME
    notebook_digest: str = DIGEST


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    engine = Engine.connect()
    yield engine
    for image in engine.client.images.list("mlops-images-test/*"):
        engine.client.images.remove(image.id, force=True)
    # what lost its tag to a second build of the same name
    engine.client.images.prune({"label": f"org.opencontainers.image.revision={DIGEST}"})
    engine.close()


@pytest.fixture(params=["buildkit", "engine"])
def builder(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "engine":
        monkeypatch.setattr(builders, "buildkit_client", lambda network=None: None)
    elif builders.buildkit_client() is None:
        pytest.skip("no Docker client here can use BuildKit")
    return str(request.param)


def make_context(folder: Path, step: str, *, requirements: str | None = None) -> Path:
    """Write a training context whose pipeline is one file."""
    pipeline = folder / "pipeline"
    (pipeline / "steps").mkdir(parents=True)
    (pipeline / "steps" / "load.py").write_text(step)
    (pipeline / "Dockerfile").write_text(dockerfile.training(Described(), BASE))
    (pipeline / "requirements.txt").write_text(requirements or lock(pins(["xxhash"])))
    return context.training(folder / "context", pipeline=pipeline)


def test_no_engine_is_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
        monkeypatch.delenv(name, raising=False)
    for address in (f"unix://{tmp_path}/none.sock", "tcp://127.0.0.1:9", "nonsense://x"):
        monkeypatch.setenv("DOCKER_HOST", address)
        start = time.monotonic()
        with pytest.raises(MlopsError, match="No Docker engine answers") as caught:
            Engine.connect()
        assert caught.value.code == "docker.no-engine"
        assert "\n" not in caught.value.message
        assert time.monotonic() - start < 10


@pytest.mark.docker
def test_the_base_is_checked_before_anything_is_built(engine: Engine) -> None:
    engine.require_base(BASE)
    start = time.monotonic()
    with pytest.raises(MlopsError, match="localhost:9/no/such:1") as caught:
        engine.require_base("localhost:9/no/such:1")
    assert caught.value.code == "docker.base-missing"
    assert time.monotonic() - start < 15


@pytest.mark.docker
def test_a_build_gives_an_image_and_its_steps(engine: Engine, builder: str, tmp_path: Path) -> None:
    tag = f"mlops-images-test/{builder}:1"
    where = make_context(tmp_path / "first", "x = 1\n")
    events: list[Event] = []
    image = drain(engine.build(where, "Dockerfile", tag), events.append)
    assert image.tags[0] == tag
    assert image.size > 50e6
    assert engine.has_image(tag)
    assert (events[0].status, events[-1].status) == ("started", "done")
    assert any("pip --python" in event.message for event in events)
    about = engine.client.images.get(tag).attrs
    assert about["Config"]["Labels"]["mlops.notebook"] == NAME
    assert about["Config"]["User"] == "10001:10001"
    assert not about["Config"]["Entrypoint"]

    # a change of code keeps the layers of the requirements
    again = make_context(tmp_path / "second", "x = 2\n")
    start = time.monotonic()
    drain(engine.build(again, "Dockerfile", tag))
    seconds = time.monotonic() - start
    layers = about["RootFS"]["Layers"]
    fresh = engine.client.images.get(tag).attrs["RootFS"]["Layers"]
    same = [a == b for a, b in zip(layers, fresh, strict=True)]
    assert same.count(False) <= 2, f"{same} in {seconds:.1f} s"
    ran = engine.run_container(tag, ["cat", "/app/pipeline/steps/load.py"], network="none")
    assert (ran.exit_code, ran.logs) == (0, "x = 2")


@pytest.mark.docker
def test_a_failed_build_names_the_step_and_its_last_lines(
    engine: Engine, builder: str, tmp_path: Path
) -> None:
    wrong = "xxhash==4.1.0 --hash=sha256:" + "0" * 64 + "\n"
    where = make_context(tmp_path, "", requirements=wrong)
    with pytest.raises(MlopsError) as caught:
        drain(engine.build(where, "Dockerfile", "mlops-images-test/broken:1"))
    assert caught.value.code == "docker.build-failed"
    assert "pip --python" in caught.value.message
    assert "DO NOT MATCH THE HASHES" in caught.value.message
    assert not engine.has_image("mlops-images-test/broken:1")


@pytest.mark.docker
def test_build_arguments_reach_the_build_and_no_command_line(
    engine: Engine, builder: str, tmp_path: Path
) -> None:
    tag = f"mlops-images-test/arguments-{builder}:1"
    (tmp_path / "Dockerfile").write_text(
        f"FROM {BASE}\nARG PIP_INDEX_URL\nRUN echo $PIP_INDEX_URL > /found\n"
    )
    settings = ImageSettings(build_args={"PIP_INDEX_URL": "https://me:secret@example.org/simple"})
    mine = Engine(engine.client, settings, engine.address)
    drain(mine.build(tmp_path, "Dockerfile", tag))
    ran = engine.run_container(tag, ["cat", "/found"], network="none")
    assert ran.logs == "https://me:secret@example.org/simple"


@pytest.mark.docker
def test_a_container_has_no_privileges_and_is_removed(engine: Engine, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "given.txt").write_text("given")
    program = (
        "import os, re\n"
        "print(os.getuid())\n"
        "status = open('/proc/self/status').read()\n"
        "print(re.search(r'CapEff:\\s*(\\w+)', status)[1], "
        "re.search(r'NoNewPrivs:\\s*(\\d)', status)[1])\n"
        "open('/tmp/x', 'w').close()\n"
        "print(open('/given/given.txt').read())\n"
        "for path in ('/x', '/given/x'):\n"
        "    try:\n"
        "        open(path, 'w')\n"
        "    except OSError as error:\n"
        "        print(error.strerror)\n"
        "raise SystemExit(3)\n"
    )
    lines: list[str] = []
    ran = engine.run_container(
        BASE,
        ["python3", "-c", program],
        mounts=[containers.Mount(tmp_path, "/given")],
        user="10001:10001",
        network="none",
        project="images-test-removed",
        on_line=lines.append,
    )
    assert ran.exit_code == 3
    assert lines == [
        "10001",
        "0000000000000000 1",
        "given",
        "Read-only file system",
        "Read-only file system",
    ]
    assert ran.logs == "\n".join(lines)
    left = engine.client.containers.list(
        all=True, filters={"label": "mlops.project=images-test-removed"}
    )
    assert left == []


@pytest.mark.docker
def test_a_container_that_cannot_start_is_an_error_and_leaves_nothing(engine: Engine) -> None:
    with pytest.raises(MlopsError, match="no-such-network") as caught:
        engine.run_container(BASE, ["true"], network="no-such-network", project="images-test-start")
    assert caught.value.code == "docker.run-failed"
    left = engine.client.containers.list(
        all=True, filters={"label": "mlops.project=images-test-start"}
    )
    assert left == []
