"""Compile time: a notebook of 100 cells after import, and whole commands beside Kale's.

`python -m benchmarks.compile [--kale PATH]`, where PATH is Kale's command in an environment of its
own; without it Kale is left out.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from jupyter_mlops.notebook.document import read
from jupyter_mlops.pipeline.compile import compile_notebook

from . import notebooks
from .race import race, run, table


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kale", type=Path, help="Kale's command, to measure beside ours")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "mlops.toml").touch()
        large = notebooks.write(folder / "hundred.ipynb", notebooks.hundred_cells())
        compile_notebook(read(large))
        times = race({"100 cells": lambda: _compile(large)}, rounds=options.rounds)
        print(table("Compile, after import", times, against="100 cells"))
        small = notebooks.write(folder / "five.ipynb", notebooks.FIVE_STEPS)
        ours = [sys.executable, "-m", "jupyter_mlops.faces.cli", "pipeline"]
        competitors = {
            "ours, 5 steps": lambda: run([*ours, small], folder),
            "ours, 100 cells": lambda: run([*ours, large], folder),
        }
        if options.kale is not None:
            kale = options.kale.absolute()
            theirs = notebooks.write(
                folder / "kale.ipynb", notebooks.for_kale(notebooks.FIVE_STEPS)
            )
            competitors["Kale, 5 steps"] = lambda: run([kale, "--nb", theirs], folder)
        times = race(competitors, rounds=options.rounds)
        print(table("Compile, whole command", times, against="ours, 5 steps"))


def _compile(path: Path) -> None:
    compile_notebook(read(path))


if __name__ == "__main__":
    main()
