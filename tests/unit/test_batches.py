from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlops.project import Project
from jupyter_mlops.tracking import batches
from jupyter_mlops.tracking.client import client


@settings(deadline=None)
@given(name=st.text(max_size=300) | st.text(alphabet="./ab -", max_size=20))
def test_every_name_becomes_one_that_mlflow_takes(name: str) -> None:
    from mlflow.utils.validation import _validate_metric_name

    key = batches.allowed_key(name)
    _validate_metric_name(key)
    assert batches.allowed_key(key) == key


@pytest.mark.parametrize("name", ["loss", "val/loss", "f1 score", "übung-1.5", "a:b"])
def test_what_mlflow_takes_stays(name: str) -> None:
    assert batches.allowed_key(name) == name


def test_what_is_refused_does_not_hold_up_the_rest(project_root: Path) -> None:
    from mlflow.entities import Metric, Param, RunTag

    found = client(Project(project_root))
    run = found.create_run(found.create_experiment("e")).info.run_id
    metrics = [Metric("m" if step % 500 else "m*", 1.0, 1, step) for step in range(1200)]
    params = [Param(f"p{n}" if n != 50 else "p*", "x") for n in range(120)]
    for _ in range(2):  # nothing is there twice
        batches.log(found, run, metrics, params, [RunTag("t", "v")])
    assert len(found.get_metric_history(run, "m")) == 1197
    data = found.get_run(run).data
    assert set(data.params) == {f"p{n}" for n in range(120) if n != 50}
    assert data.tags["t"] == "v"
