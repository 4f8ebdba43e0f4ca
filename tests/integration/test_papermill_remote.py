"""Notebooks that papermill reads from a store of objects and writes there, with our engine."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from jupyter_mlops.project import Project
from jupyter_mlops.tracking.store import Store
from tests.support import stop_writer, write_notebook

pytestmark = pytest.mark.writer

CELLS = [
    ("parameters", "depth: int = 3  # how deep, 1..9"),
    ("metrics", "score = depth / 2"),
    ("", "print(depth, PAPERMILL_INPUT_PATH, PAPERMILL_OUTPUT_PATH)"),
    ("", "assert depth < 6"),
]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The address of a server that speaks S3."""
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-p", "0"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    with process, process.stderr:
        for line in process.stderr:
            if found := re.search(r"Running on (http://127\.0\.0\.1:\d+)", line):
                yield found[1]
                break
        process.terminate()


@pytest.fixture
def bucket(address: str, project_root: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    import boto3

    for name, value in {
        "BOTO3_ENDPOINT_URL": address,
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "word",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    made = boto3.resource("s3", endpoint_url=address).Bucket("books")
    made.create()
    notebook = write_notebook(project_root / "here.ipynb", CELLS)
    made.upload_file(str(notebook), "in/nb.ipynb")
    notebook.unlink()
    return made


def _papermill(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "papermill", "s3://books/in/nb.ipynb", "s3://books/out.ipynb"]
    return subprocess.run(
        [*command, "--engine", "mlops", "--no-progress-bar", *words],
        capture_output=True,
        text=True,
        env=dict(os.environ),
    )


def _written(bucket: Any) -> Any:
    text = bucket.Object("out.ipynb").get()["Body"].read().decode()
    return nbformat.reads(text, as_version=4)


def test_a_notebook_in_a_bucket_is_run_checked_and_tracked(bucket: Any, project_root: Path) -> None:
    refused = _papermill("-p", "depth", "12")
    assert refused.returncode == 1
    assert "`depth` must be at least 1 and at most 9" in refused.stderr
    assert "Traceback" not in refused.stderr
    done = _papermill("-p", "depth", "4", "--inject-paths")
    assert done.returncode == 0, done.stderr
    written = _written(bucket)
    printed = "".join(
        each.text for cell in written.cells for each in cell.get("outputs", []) if "text" in each
    )
    assert printed == "4 s3://books/in/nb.ipynb s3://books/out.ipynb\n"
    project = Project(project_root)
    run = Store(project).run()
    assert (run.status, dict(run.metrics)) == ("FINISHED", {"score": 2.0})
    assert run.parameters["depth"] == "4"
    failed = _papermill("-p", "depth", "7", "--inject-paths")
    assert failed.returncode == 1
    assert "AssertionError" in failed.stderr
    assert any("error" in each.output_type for each in _written(bucket).cells[-1].outputs)
    assert Store(project).run().status == "FAILED"
    stop_writer(project)
    assert not list(project_root.glob("*.ipynb"))
