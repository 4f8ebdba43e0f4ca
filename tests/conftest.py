"""What all tests share: requirements that skip or fail, and a fresh project."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_mlops.capture.processes import SWITCH
from jupyter_mlops.errors import MlopsError
from jupyter_mlops.images.engine import Engine
from tests import servers

REQUIRED = {name for name in os.environ.get("MLOPS_REQUIRE", "").split(",") if name}
CHROMIUM = "/usr/bin/chromium"
collect_ignore = ["notebooks"]
"""Notebooks as scripts, of which some have a test's name, and some fail as they should."""


def pytest_configure(config: pytest.Config) -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # As a shell starts what runs in the background; every process of a test would inherit it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # Most tests look at the store from their own process, where MLflow is imported anyway.
    os.environ[SWITCH] = "off"
    config.addinivalue_line("markers", "writer: the project's writer feeds the store, in a module")
    config.addinivalue_line("markers", "docker: needs a Docker engine")
    config.addinivalue_line("markers", "postgres: needs PostgreSQL's programs")
    config.addinivalue_line("markers", "browser: needs Chromium and a built sidebar")


def _absent(name: str) -> str | None:
    """Return why the tests marked ``name`` cannot run here, or None."""
    if name == "docker":
        try:
            Engine.connect().close()
        except MlopsError as error:
            return error.message
    if name == "postgres":
        return servers.absent()
    if name == "browser":
        if not Path(CHROMIUM).exists() and not shutil.which("chromium"):
            return "Chromium is not installed"
        if not shutil.which("node"):
            return "Node.js, which builds the sidebar, is not installed"
    return None


@pytest.fixture(autouse=True)
def _requirements(request: pytest.FixtureRequest) -> None:
    for name in ("docker", "browser", "postgres"):
        if request.node.get_closest_marker(name) is None:
            continue
        if reason := _absent(name):
            if name in REQUIRED:
                pytest.fail(f"MLOPS_REQUIRE names {name}, but {reason}")
            pytest.skip(reason)


@pytest.fixture(scope="module", autouse=True)
def _writer(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let writers start in modules that are about them, or about all that a user has."""
    with pytest.MonkeyPatch.context() as patch:
        if any(request.node.get_closest_marker(name) for name in ("writer", "browser")):
            patch.delenv(SWITCH)
        yield


@pytest.fixture(autouse=True)
def _same_environment() -> Iterator[None]:
    """Give every test the same environment: MLflow keeps its store's address there."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def project_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project that is the working directory, with no settings from outside."""
    for name in ("JUPYTER_MLOPS_PROJECT", "MLFLOW_TRACKING_URI", "JUPYTER_MLOPS_RUN"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "mlops.toml").write_text("")
    monkeypatch.chdir(tmp_path)
    return tmp_path
