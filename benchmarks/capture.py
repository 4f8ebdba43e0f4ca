"""What capture costs the notebook's own thread, beside MLflow's autologging and plain calls.

`python -m benchmarks.capture [--rounds N]`; each way runs in a process of its own,
with an SQLite store of its own. The writer is off: it works beside the notebook, at low priority.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .notebooks import FIVE_STEPS

_START = (
    "import mlflow\nmlflow.set_tracking_uri('sqlite:///mlflow.db')\n"
    "mlflow.set_experiment('e')\nmlflow.search_runs()\n"
)
_PLAIN = (
    "\nwith mlflow.start_run():\n    mlflow.log_params(model.get_params())\n"
    "    mlflow.log_metric('score', 0.5)\n"
)
WAYS = {
    "bare": ("", ""),
    "ours": ("%load_ext jupyter_mlops", ""),
    "MLflow's calls": (_START, _PLAIN),
    "MLflow's calls, model logged": (
        _START,
        _PLAIN + "    mlflow.sklearn.log_model(model, serialization_format='cloudpickle')\n",
    ),
    "autologging": (_START + "mlflow.sklearn.autolog(log_models=False, silent=True)", ""),
    "autologging, model logged": (_START + "mlflow.sklearn.autolog(silent=True)", ""),
}
"""What begins the notebook, and what follows each fit."""
USUAL = {
    "x = 1": "x = 1",
    "a function": "def area(width, height=2.0):\n    return width * height\narea(3)",
    "a loop over a list": "found = []\nfor number in range(50):\n    found.append(number * x)",
    "a column of a frame": "frame['z'] = frame['x'] * 2",
    "a grouped mean": "means = frame.groupby('kind')['x'].mean()",
    "an array": "totals = (array * 2).sum(axis=0)",
    "a metric": "mlops_metric = float(frame['x'].mean())",
}
_DATA = (
    "import numpy as np\nimport pandas as pd\nrng = np.random.default_rng(0)\nx = 1\n"
    "frame = pd.DataFrame({'x': rng.normal(size=20_000), 'kind': rng.integers(0, 5, 20_000)})\n"
    "array = rng.normal(size=(200, 200))"
)
FITS = {
    "LogisticRegression, 1,000 rows": (
        "from sklearn.datasets import make_classification\n"
        "from sklearn.linear_model import LogisticRegression\n"
        "X, y = make_classification(1_000, 20, random_state=0)",
        "model = LogisticRegression().fit(X, y)",
    ),
    "RandomForest(50), 1,000 rows": (
        "from sklearn.datasets import make_classification\n"
        "from sklearn.ensemble import RandomForestClassifier\n"
        "X, y = make_classification(1_000, 20, random_state=0)",
        "model = RandomForestClassifier(50, random_state=0).fit(X, y)",
    ),
}


def _shell(way: str) -> Callable[[str], float]:
    """Return what runs a cell in a fresh shell and tells the seconds that took."""
    import ipykernel.zmqshell  # noqa: F401  a kernel has it, so it is no cost of ours
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    # Its thread that saves each cell is in the way of all competitors, by chance.
    shell.history_manager.enabled = False

    def run(source: str) -> float:
        time.sleep(0.002)  # people pause between cells, and background work gets its turn
        start = time.perf_counter()
        result = shell.run_cell(source, store_history=True, cell_id=f"c{hash(source)}")
        taken = time.perf_counter() - start
        result.raise_error()
        return taken

    sys.stdout = open(os.devnull, "w")  # noqa: SIM115
    run("None")
    if WAYS[way][0]:
        run(WAYS[way][0])
    return run


def usual(way: str) -> dict[str, float]:
    """Return the median seconds of each usual cell."""
    run = _shell(way)
    run(_DATA)
    return {
        name: statistics.median(run(source) for _ in range(60)) for name, source in USUAL.items()
    }


def fits(way: str) -> dict[str, float]:
    """Return the median seconds of each fit, with what logs it."""
    run = _shell(way)
    found = {}
    for name, (before, fit) in FITS.items():
        run(before)
        run(fit)
        times = 1 if "logged" in way else 15
        found[name] = statistics.median(run(fit + WAYS[way][1]) for _ in range(times))
    return found


def training(way: str) -> dict[str, float]:
    """Return the seconds of each cell of a notebook that trains."""
    run = _shell(way)
    return {
        f"cell {number}": run(source + (WAYS[way][1] if ".fit(" in source else ""))
        for number, (_, source) in enumerate(FIVE_STEPS, 1)
    }


def loading(way: str) -> dict[str, float]:
    """Return the seconds of the cell ``%load_ext``, in a kernel that has not imported us."""
    run = _shell("bare")
    return {"load": run(WAYS[way][0] or "None")}


KINDS: dict[str, Callable[[str], dict[str, float]]] = {
    "usual": usual,
    "fits": fits,
    "training": training,
    "loading": loading,
}


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only is not None:
        kind, way = options.only
        told = sys.stdout
        print(json.dumps(KINDS[kind](way)), file=told)
        return
    _tables(options.rounds)


def _tables(rounds: int) -> None:
    found = _best("loading", ["bare", "ours"], rounds)
    milliseconds = {way: times["load"] * 1e3 for way, times in found.items()}
    print(f"`%load_ext jupyter_mlops`: {milliseconds['ours']:.0f} ms, nothing: ", end="")
    print(f"{milliseconds['bare']:.1f} ms\n")
    found = _best("usual", ["bare", "ours"], rounds)
    print("### Usual cells: ms on the notebook's thread\n")
    print("| cell | bare | ours | added |")
    print("|---|---|---|---|")
    for name in USUAL:
        bare, ours = found["bare"][name] * 1e3, found["ours"][name] * 1e3
        print(f"| {name} | {bare:.2f} | {ours:.2f} | {ours - bare:.2f} |")
    for kind, title in (
        ("fits", "Fits: ms on the notebook's thread"),
        ("training", "A whole notebook that trains: ms"),
    ):
        found = _best(kind, list(WAYS), rounds)
        if kind == "training":  # the best of each cell: chance hits another one in each round
            found = {way: {"all cells": sum(times.values())} for way, times in found.items()}
        names = list(found["bare"])
        print(f"\n### {title}\n\n| | {' | '.join(f'{name} | × bare' for name in names)} |")
        print("|---" * (1 + 2 * len(names)) + "|")
        for way, times in found.items():
            cells = (f"{times[n] * 1e3:.1f} | {times[n] / found['bare'][n]:.2f}" for n in names)
            print(f"| {way} | {' | '.join(cells)} |")


def _best(kind: str, ways: list[str], rounds: int) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {way: {} for way in ways}
    for number in range(rounds):
        turn = number % len(ways)
        for way in ways[turn:] + ways[:turn]:
            for name, seconds in _apart(kind, way).items():
                found[way][name] = min(seconds, found[way].get(name, seconds))
    return found


def _apart(kind: str, way: str) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parents[1]),
            "JUPYTER_MLOPS_PROJECT": folder,
            # One thread: small fits on several wait for each other, by chance.
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "JUPYTER_MLOPS_WRITER": "off",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        }
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.capture", "--only", kind, way],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            sys.exit(done.stderr)
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found


if __name__ == "__main__":
    main()
