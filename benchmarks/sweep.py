"""A sweep of 20 values of a train-only parameter, beside papermill and beside what is possible.

``python -m benchmarks.sweep [--rounds N] [--points N] [--gigabytes G]``. The notebook loads 2 s,
prepares 2 s and trains 1 s, each of them work of one core. The ideal is measured too: the same
cells as a script that loads and prepares once and forks for each training, with no notebook, no
capture and no store. Then the memory of a sweep over one large frame: what its processes have
together at the most, beside one run of the notebook by papermill, and beside a process for each
point. ``--only`` does one of the two.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from . import notebooks
from .race import Times, run, table

WORK = """\
def work(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        np.sqrt(np.arange(10_000.0)).sum()
"""
TRAINING = [
    ("imports", "import time\nimport numpy as np\nimport pandas as pd\nimport sklearn.ensemble"),
    ("parameters", "depth: int = 3"),
    ("functions", WORK),
    ("step:load", "work(2)\ndata = pd.DataFrame({'x': np.arange(1000.0)})"),
    ("step:prepare", "work(2)\ndata['y'] = data['x'] * 2"),
    ("step:train", "work(1)\nmodel = data['y'].mean() * depth"),
    ("step:train metrics", "score = float(model)"),
]
LARGE = [
    ("imports", "import time\nimport numpy as np\nimport pandas as pd"),
    ("parameters", "column: int = 0"),
    ("", "data = pd.DataFrame(np.random.default_rng(0).random(({rows}, 8)))"),
    ("metrics", "score = float(data[column].mean())\ntime.sleep(2)"),
]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="of all but papermill, run once")
    parser.add_argument("--points", type=int, default=20)
    parser.add_argument("--gigabytes", type=float, default=1.0)
    parser.add_argument("--only", choices=["times", "memory"])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "mlops.toml").touch()
        if options.only != "memory":
            _times(folder, options.points, options.rounds)
        if options.only != "times":
            _memory(folder, options.gigabytes)


def _times(folder: Path, points: int, rounds: int) -> None:
    book = notebooks.write(folder / "train.ipynb", TRAINING)
    values = range(1, points + 1)
    workers = len(os.sched_getaffinity(0))
    command = [sys.executable, "-m", "jupyter_mlops.faces.cli"]
    words = ",".join(map(str, values))
    script = folder / "ideal.py"
    script.write_text(_ideal(values, workers))
    ours = [*command, "sweep", book, "-p", f"depth={words}"]
    competitors = {
        f"ideal, {workers} cores": [sys.executable, script],
        f"ours, {workers} cores": ours,
        "ours, one after another": [*ours, "--workers", "1"],
    }
    taken: dict[str, list[float]] = {name: [] for name in competitors}
    for _ in range(rounds):
        for name, words_ in competitors.items():
            taken[name].append(_time(words_, folder))
    start = time.perf_counter()
    papermill = [sys.executable, "-m", "papermill", book, folder / "out.ipynb", "--log-level"]
    for value in values:
        run([*papermill, "ERROR", "--no-progress-bar", "-p", "depth", str(value)], folder)
    times = [Times("papermill, one after another", (time.perf_counter() - start,))]
    times += [Times(name, tuple(seconds)) for name, seconds in taken.items()]
    print(table(f"{points} points, whole commands", times, against="papermill, one after another"))
    ideal, ours = times[1].median, times[2].median
    print(
        f"{times[0].median / ours:.1f} times papermill's speed; {ours / ideal:.2f} of the ideal\n"
    )


def _ideal(values: range, workers: int) -> str:
    cells = dict(TRAINING)
    return "\n".join(
        [
            "import os",
            *(cells[name] for name in ("imports", "functions", "step:load", "step:prepare")),
            "running = 0",
            f"for depth in {list(values)}:",
            f"    if running == {workers}:",
            "        os.wait()",
            "        running -= 1",
            "    running += 1",
            "    if not os.fork():",
            *(f"        {line}" for line in cells["step:train"].splitlines()),
            "        os._exit(0)",
            "while running:",
            "    os.wait()",
            "    running -= 1",
        ]
    )


def _time(command: list[str | Path], folder: Path) -> float:
    start = time.perf_counter()
    run(command, folder)
    seconds = time.perf_counter() - start
    _settle()
    return seconds


def _settle() -> None:
    """Wait until the writer, which feeds the store in the background, has ended."""
    writing = [p for p in psutil.process_iter(["cmdline"]) if "tracking.writer" in _words(p)]
    psutil.wait_procs(writing, timeout=60)


def _words(process: psutil.Process) -> str:
    return " ".join(process.info["cmdline"] or ())


def _memory(folder: Path, gigabytes: float) -> None:
    rows = int(gigabytes * 1e9 / 8 / 8)
    cells = [(tags, source.replace("{rows}", str(rows))) for tags, source in LARGE]
    book = notebooks.write(folder / "large.ipynb", cells)
    command = [sys.executable, "-m", "jupyter_mlops.faces.cli", "sweep", book]
    command += ["-p", "column=0,1,2,3,4,5", "--workers", "2"]
    papermill = [sys.executable, "-m", "papermill", "--no-progress-bar", "--log-level", "ERROR"]
    alone = _peak([*papermill, book, folder / "out.ipynb"], folder)
    shared = _peak(command, folder)
    apart = _peak([*command, "--no-share"], folder)
    print(f"### Memory of a sweep over a frame of {gigabytes:g} GB, two points at a time\n")
    print("| | all processes together, GB | × the frame | × one run |")
    print("|---|---|---|---|")
    for name, found in (
        ("one run, papermill", alone),
        ("a sweep", shared),
        ("a sweep, a process for each point", apart),
    ):
        ratios = f"{found / 1e9 / gigabytes:.2f} | {found / alone:.2f}"
        print(f"| {name} | {found / 1e9:.2f} | {ratios} |")
    print()


def _peak(command: list[str | Path], folder: Path) -> float:
    """Return the most bytes that a command and its children had at a time, shared pages once."""
    most = 0.0
    with subprocess.Popen(
        [str(word) for word in command],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        done = threading.Event()

        def look() -> None:
            nonlocal most
            while not done.wait(0.1):
                most = max(most, sum(_own(process.pid)))

        looking = threading.Thread(target=look)
        looking.start()
        process.wait()
        done.set()
        looking.join()
    _settle()
    return most


def _own(pid: int) -> Iterator[float]:
    with contextlib.suppress(psutil.Error):
        parent = psutil.Process(pid)
        for each in (parent, *parent.children(recursive=True)):
            with contextlib.suppress(psutil.Error, OSError):
                yield float(each.memory_full_info().pss)


if __name__ == "__main__":
    main()
