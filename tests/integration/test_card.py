"""The run card where there are no widgets: HTML that is replaced, and text in a terminal."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from queue import Empty
from typing import Any

import pytest

from tests.kernels import Kernel, start_kernel
from tests.support import write_notebook

NO_WIDGETS = "import sys\nsys.modules['ipywidgets'] = None\n%load_ext jupyter_mlops"
CELLS = [("", NO_WIDGETS), ("parameters", "depth = 6  # 1..20 levels"), ("metrics", "loss = 0.5")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mlops.toml").write_text("")
    write_notebook(tmp_path / "small.ipynb", CELLS)
    return tmp_path


@pytest.fixture
def kernel(folder: Path) -> Iterator[Kernel]:
    environment = {"JPY_SESSION_NAME": str(folder / "small.ipynb")}
    with start_kernel(folder, environment) as kernel:
        yield kernel


def outputs(kernel: Kernel, source: str, until: str = "") -> list[dict[str, Any]]:
    """Execute a cell, and return what it displays up to the one that holds ``until``."""
    asked = kernel.client.execute(source)
    found: list[dict[str, Any]] = []
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            message = kernel.client.get_iopub_msg(timeout=1)
        except Empty:
            continue
        kind, content = message["msg_type"], message["content"]
        assert kind != "error", content
        if kind in ("display_data", "update_display_data", "execute_result"):
            found.append({"type": kind, **content})
            if until and until in str(content["data"]):
                return found
        own = message["parent_header"].get("msg_id") == asked
        if not until and own and kind == "status" and content["execution_state"] == "idle":
            return found
    raise AssertionError(f"nothing with {until!r} in {found}")


def test_the_card_is_replaced_as_the_run_goes_on(kernel: Kernel) -> None:
    kernel.run(NO_WIDGETS)
    shown = outputs(kernel, "%mlops card")
    assert [each["type"] for each in shown] == ["display_data"]
    assert set(shown[0]["data"]) == {"text/html", "text/plain"}
    updates = outputs(kernel, "import jupyter_mlops\njupyter_mlops.log(loss=0.25)", "0.25")
    assert updates[-1]["type"] == "update_display_data"
    assert updates[-1]["transient"]["display_id"] == shown[0]["transient"]["display_id"]
    assert "loss = 0.25" in updates[-1]["data"]["text/plain"]


def test_the_form_is_a_table_that_says_how_to_rerun(kernel: Kernel) -> None:
    kernel.run(NO_WIDGETS)
    _, text = kernel.run("%mlops form")
    assert "%mlops rerun small.ipynb -p depth=6" in text
    assert "pip install ipywidgets" in text
    assert "1..20" in text


def test_a_terminal_gets_text(folder: Path) -> None:
    lines = (
        "%load_ext jupyter_mlops\nimport jupyter_mlops\njupyter_mlops.log(loss=0.25)\n%mlops card\n"
    )
    (folder / "session.ipy").write_text(lines)
    found = subprocess.run(
        [sys.executable, "-m", "IPython", "--no-banner", "--colors=NoColor", "session.ipy"],
        cwd=folder,
        env={**os.environ, "IPYTHONDIR": str(folder / "ipython")},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert "loss = 0.25" in found.stdout
    assert "<div" not in found.stdout
