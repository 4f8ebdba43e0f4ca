"""Single runs beside papermill: what tracking costs, an unchanged rerun, and large outputs.

``python -m benchmarks.rerun [--rounds N]``. Each competitor is a whole command in a process of its
own; "after import" is the verb in a process that has imported it.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from . import notebooks
from .race import race, run, table

TRIVIAL = [("parameters", "depth: int = 3"), ("", "print(depth)")]
LARGE = [("", f"print({number}); print('x' * 500_000)") for number in range(100)]
_WARM = """\
import sys, time
from pathlib import Path
from jupyter_mlops.pipeline.rerunning import rerun
from jupyter_mlops.progress import drain
drain(rerun(Path(sys.argv[1]), cached=True))
for _ in range(int(sys.argv[2])):
    start = time.perf_counter()
    drain(rerun(Path(sys.argv[1]), cached=True))
    print(time.perf_counter() - start)
"""


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "mlops.toml").touch()
        for title, cells in (("Two cells", TRIVIAL), ("Five steps", notebooks.FIVE_STEPS)):
            book = notebooks.write(folder / f"{title.replace(' ', '-')}.ipynb", cells)
            _single(title, book, folder, options.rounds)
        book = notebooks.write(folder / "large.ipynb", LARGE)
        _saving(book, folder, max(2, options.rounds // 2))


def _single(title: str, book: Path, folder: Path, rounds: int) -> None:
    papermill = [sys.executable, "-m", "papermill", "--no-progress-bar", "--log-level", "ERROR"]
    ours = [sys.executable, "-m", "jupyter_mlops.faces.cli", "rerun", book]
    out = folder / "out.ipynb"
    run([*ours, "--cached"], folder)
    times = race(
        {
            "papermill": lambda: run([*papermill, book, out], folder),
            "papermill --engine mlops": lambda: run(
                [*papermill, "--engine", "mlops", book, out], folder
            ),
            "rerun": lambda: run(ours, folder),
            "rerun --cached, nothing changed": lambda: run([*ours, "--cached"], folder),
        },
        rounds=rounds,
    )
    print(table(f"{title}, whole commands", times, against="papermill"))
    told = subprocess.run(
        [sys.executable, "-c", _WARM, book, str(rounds)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    seconds = [float(each) for each in told]
    print(f"rerun --cached, nothing changed, after import: {statistics.median(seconds):.3f} s\n")


def _saving(book: Path, folder: Path, rounds: int) -> None:
    papermill = [sys.executable, "-m", "papermill", "--no-progress-bar", "--log-level", "ERROR"]
    out = folder / "out.ipynb"
    times = race(
        {
            "papermill": lambda: run([*papermill, book, out], folder),
            "papermill --engine mlops": lambda: run(
                [*papermill, "--engine", "mlops", book, out], folder
            ),
        },
        rounds=rounds,
    )
    print(table("100 cells with 50 MB of outputs", times, against="papermill"))


if __name__ == "__main__":
    main()
