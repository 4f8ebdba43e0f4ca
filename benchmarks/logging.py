"""100,000 points of a metric from a loop, beside MLflow's own ways to log them.

`python -m benchmarks.logging [--points N] [--few N]`; each competitor logs into an SQLite store of
its own, in a process of its own. MLflow gets fewer points, as it would take minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

OURS = "jupyter_mlops.log"


def ours(points: int) -> tuple[float, float]:
    """Log in a captured shell; return the seconds of the loop, and until all is in the store."""
    from IPython.core.interactiveshell import InteractiveShell

    import jupyter_mlops
    from jupyter_mlops.capture import session
    from jupyter_mlops.project import Project
    from jupyter_mlops.tracking.feeder import Feeder
    from jupyter_mlops.tracking.store import Store

    jupyter_mlops.load_ipython_extension(InteractiveShell.instance())
    captured = session.current()
    assert captured is not None
    start = time.perf_counter()
    for step in range(points):
        jupyter_mlops.log(loss=0.5, step=step)
    called = time.perf_counter() - start
    captured.close()
    store = Store(Project.find())
    client = store.client  # MLflow's import is no part of the race, for nobody
    start = time.perf_counter()
    assert Feeder(captured.project, captured.folder).feed(client, hurry=True)
    fed = time.perf_counter() - start
    run = store.run()
    assert len(client.get_metric_history(run.mlflow_id, "loss")) == points
    return called, called + fed


def one_by_one(points: int) -> tuple[float, float]:
    """Log with `mlflow.log_metric`."""
    import mlflow

    start = time.perf_counter()
    for step in range(points):
        mlflow.log_metric("loss", 0.5, step=step)
    called = time.perf_counter() - start
    return called, called


def asynchronously(points: int) -> tuple[float, float]:
    """Log with `mlflow.log_metric(synchronous=False)`."""
    import mlflow

    start = time.perf_counter()
    for step in range(points):
        mlflow.log_metric("loss", 0.5, step=step, synchronous=False)
    called = time.perf_counter() - start
    mlflow.flush_async_logging()
    return called, time.perf_counter() - start


WAYS: dict[str, Callable[[int], tuple[float, float]]] = {
    OURS: ours,
    "mlflow.log_metric": one_by_one,
    "mlflow.log_metric, asynchronous": asynchronously,
}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=100_000)
    parser.add_argument("--few", type=int, default=2_000, help="points for MLflow's own ways")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=list(WAYS), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only is not None:
        print(json.dumps(_alone(options.only, options.points)))
        return
    best: dict[str, tuple[float, float]] = {}
    for _ in range(options.rounds):
        for way in WAYS:
            points = options.points if way == OURS else options.few
            called, arrived = _apart(way, points)
            before = best.get(way, (float("inf"), float("inf")))
            per_point = called / points * 1e6, arrived / points * 1e6
            best[way] = min(before[0], per_point[0]), min(before[1], per_point[1])
    print("### Points of a metric, µs each, the best of the rounds\n")
    print("| | on the calling thread | until in the store | points per second, ours as a ratio |")
    print("|---|---|---|---|")
    for way, (called, arrived) in best.items():
        ratio = f"calling {called / best[OURS][0]:.0f}, arriving {arrived / best[OURS][1]:.1f}"
        print(f"| {way} | {called:.1f} | {arrived:.0f} | {ratio} |")


def _apart(way: str, points: int) -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, "-m", "benchmarks.logging", "--only", way, "--points", str(points)]
        environment = {
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parents[1]),
            "JUPYTER_MLOPS_PROJECT": folder,
            "JUPYTER_MLOPS_WRITER": "off",
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }
        done = subprocess.run(
            words, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            sys.exit(done.stderr)
        called, arrived = json.loads(done.stdout.splitlines()[-1])
        return called, arrived


def _alone(way: str, points: int) -> tuple[float, float]:
    if way == OURS:
        return WAYS[way](points)
    import mlflow

    mlflow.set_tracking_uri(f"sqlite:///{Path.cwd() / 'mlflow.db'}")
    mlflow.set_experiment("points")
    with mlflow.start_run():
        mlflow.log_metric("loss", 0.5, step=-1)
        return WAYS[way](points)


if __name__ == "__main__":
    main()
