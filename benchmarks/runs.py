"""A store of many runs: how long list, filter, sort, best, compare and chart take on it.

`python -m benchmarks.runs [--runs N] [--batch N] [--keep FOLDER]`. The store is MLflow's own SQLite
file, filled through MLflow's tables; `--batch N` also makes N runs through MLflow's client, to show
what that would take. Every verb runs in a process of its own, as a user starts it. Beside them
stand what all of them need, MLflow's import and its opening of the store, and MLflow's own way to
read all runs.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jupyter_mlops.project import Project
from jupyter_mlops.tracking.client import client

NOTEBOOKS = ("churn.ipynb", "prices.ipynb", "reports/weather.ipynb", "flights.ipynb")
_DAY_MS = 24 * 3600 * 1000
_AGAIN = 3


def fill(project: Project, count: int, *, seed: int = 0) -> list[dict[str, Any]]:
    """Put so many captured runs into the project's store; return them, the oldest first."""
    import sqlalchemy
    from mlflow.store.tracking.dbmodels import models as tables

    client(project)  # makes the tables
    engine = sqlalchemy.create_engine(project.tracking_uri)
    rows: dict[Any, list[dict[str, Any]]] = {}
    runs = list(made_up(count, seed))
    with engine.begin() as connection:
        experiments = _experiments(project, connection, tables)
        for run in runs:
            _rows(rows, tables, run, experiments[run["notebook"]], project.artifact_root)
        for table, found in rows.items():
            connection.execute(sqlalchemy.insert(table), found)
    engine.dispose()
    return runs


def made_up(count: int, seed: int) -> Iterator[dict[str, Any]]:
    """Yield runs as a year of work leaves them, the newest last."""
    chance = random.Random(seed)
    now = int(time.time() * 1000)
    for index in range(count):
        notebook = NOTEBOOKS[index % len(NOTEBOOKS)]
        accuracy = 0.5 + 0.4 * chance.random()
        yield {
            "id": uuid.UUID(int=chance.getrandbits(128)).hex,
            "name": f"{Path(notebook).stem}-20260101-{index:06d}-{index % 65536:04x}",
            "notebook": notebook,
            "start": now - (count - index) * 365 * _DAY_MS // count,
            "status": "FAILED" if index % 17 == 0 else "FINISHED",
            "params": {
                "max_depth": str(chance.choice([2, 4, 8, 10, 16])),
                "learning_rate": str(chance.choice([0.3, 0.1, 1e-2, 1e-3])),
                "n_estimators": str(chance.choice([10, 100, 1000])),
                "criterion": chance.choice(["gini", "entropy"]),
                **{f"option_{number}": "None" for number in range(8)},
            },
            "metrics": {
                "accuracy": accuracy,
                "log_loss": 1.2 - accuracy,
                "f1_score_X_test": accuracy - 0.05 * chance.random(),
                "seconds_to_fit": chance.random() * 20,
            },
        }


def _tags(run: dict[str, Any]) -> dict[str, str]:
    return {
        "mlops.run": run["name"],
        "mlops.notebook": run["notebook"],
        "mlops.kind": "interactive",
        "mlops.parameters": '["max_depth", "learning_rate"]',
        "mlops.python": "3.11.7",
        "mlops.platform": "Linux",
        "mlops.model": '{"name": "model", "type": "sklearn.tree.Tree", "model_id": "m-0"}',
        "mlflow.user": "someone",
        "mlflow.runName": run["name"],
        "mlflow.source.name": run["notebook"],
    }


def _experiments(project: Project, connection: Any, tables: Any) -> dict[str, int]:
    import sqlalchemy

    now = int(time.time() * 1000)
    found = {}
    for notebook in NOTEBOOKS:
        made = connection.execute(
            sqlalchemy.insert(tables.SqlExperiment).values(
                name=notebook,
                workspace="default",
                artifact_location=f"file://{project.artifact_root}",
                lifecycle_stage="active",
                creation_time=now,
                last_update_time=now,
            )
        )
        found[notebook] = made.inserted_primary_key[0]
    return found


def _rows(
    rows: dict[Any, list[dict[str, Any]]],
    tables: Any,
    run: dict[str, Any],
    experiment: int,
    artifacts: object,
) -> None:
    rows.setdefault(tables.SqlRun, []).append(
        {
            "run_uuid": run["id"],
            "name": run["name"],
            "source_type": "UNKNOWN",
            "source_name": "",
            "entry_point_name": "",
            "user_id": "someone",
            "status": run["status"],
            "start_time": run["start"],
            "end_time": run["start"] + 60_000,
            "source_version": "",
            "lifecycle_stage": "active",
            "artifact_uri": f"file://{artifacts}/{run['id']}/artifacts",
            "experiment_id": experiment,
        }
    )
    for table, content in ((tables.SqlTag, _tags(run)), (tables.SqlParam, run["params"])):
        found = rows.setdefault(table, [])
        found += [{"key": k, "value": v, "run_uuid": run["id"]} for k, v in content.items()]
    for table in (tables.SqlMetric, tables.SqlLatestMetric):
        found = rows.setdefault(table, [])
        for key, value in run["metrics"].items():
            row = {"key": key, "value": value, "timestamp": run["start"], "run_uuid": run["id"]}
            found.append(row | {"step": 0, "is_nan": False})


def by_client(project: Project, count: int) -> float:
    """Make so many runs through MLflow's client; return the seconds."""
    from mlflow.entities import Metric, Param, RunTag

    store = client(project)
    experiment = store.create_experiment("by-client.ipynb")
    start = time.perf_counter()
    for run in made_up(count, 1):
        made = store.create_run(experiment, run["start"], run_name=run["name"])
        store.log_batch(
            made.info.run_id,
            [Metric(key, value, run["start"], 0) for key, value in run["metrics"].items()],
            [Param(key, value) for key, value in run["params"].items()],
            [RunTag(key, value) for key, value in _tags(run).items()],
        )
        store.set_terminated(made.info.run_id, run["status"], run["start"] + 60_000)
    return time.perf_counter() - start


_OPEN = """
from mlflow import MlflowClient
MlflowClient("sqlite:///.mlops/mlflow.db").search_experiments(max_results=1)
"""
_PAGES = """
from mlflow import MlflowClient
client, token, count = MlflowClient("sqlite:///.mlops/mlflow.db"), None, 0
experiments = [each.experiment_id for each in client.search_experiments()]
while True:
    page = client.search_runs(experiments, max_results=1000, page_token=token)
    count, token = count + len(page), page.token
    if not token:
        break
"""


def waits(root: Path, names: list[str]) -> dict[str, float]:
    """Return the seconds that a user waits for each verb: the least of a few."""
    verbs = {
        "runs": ["runs"],
        "runs --filter": ["runs", "--filter", "accuracy > 0.85 and max_depth >= 10"],
        "runs --sort": ["runs", "--sort", "accuracy"],
        "best": ["best", "accuracy"],
        "compare": ["compare", *names[:2]],
        "chart": ["chart"],
    }
    work = {
        "opening the store with MLflow": ["-c", _OPEN],
        **{what: ["-m", "jupyter_mlops.faces.cli", *verb] for what, verb in verbs.items()},
        "all runs by MLflow's pages": ["-c", _PAGES],
    }
    quiet = os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true"}
    found = {}
    for what, arguments in work.items():
        seconds = []
        for _ in range(_AGAIN):
            start = time.perf_counter()
            command = [sys.executable, *arguments]
            subprocess.run(command, cwd=root, env=quiet, check=True, stdout=subprocess.DEVNULL)
            seconds.append(time.perf_counter() - start)
        found[what] = round(min(seconds), 2)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--batch", type=int, default=0, help="so many through MLflow's client")
    parser.add_argument("--keep", type=Path, help="make the project here, and leave it")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        root = given.keep or Path(scratch)
        root.mkdir(parents=True, exist_ok=True)
        (root / "mlops.toml").touch()
        start = time.perf_counter()
        runs = fill(Project(root), given.runs)
        print(f"{given.runs} runs through MLflow's tables: {time.perf_counter() - start:.1f} s")
        if given.batch:
            seconds = by_client(Project(root / "other"), given.batch)
            print(f"{given.batch} runs through MLflow's client: {seconds:.1f} s")
        print(json.dumps(waits(root, [run["name"] for run in runs]), indent=1))


if __name__ == "__main__":
    main()
