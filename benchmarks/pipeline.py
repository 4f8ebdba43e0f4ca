"""A notebook of five steps as a local pipeline, beside papermill on the same notebook.

`python -m benchmarks.pipeline [--rounds N]`; each competitor is a whole command in a process of
its own. "changed" edits the last step before each run, as one does at work.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from itertools import count
from pathlib import Path

from . import notebooks
from .race import race, run, table


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    # The writer may still be at work when the last run has ended.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "mlops.toml").touch()
        book = notebooks.write(folder / "five.ipynb", notebooks.FIVE_STEPS)
        edited = folder / "edited.ipynb"
        ours = [sys.executable, "-m", "jupyter_mlops.faces.cli", "run"]
        numbers = count()

        def edit_and_run() -> None:
            *cells, (tags, _) = notebooks.FIVE_STEPS
            notebooks.write(edited, [*cells, (tags, f"print(auc, {next(numbers)})")])
            run([*ours, edited], folder)

        papermill = [sys.executable, "-m", "papermill", book, folder / "out.ipynb"]
        edit_and_run()
        run([*ours, book], folder)
        times = race(
            {
                "papermill": lambda: run(papermill, folder),
                "ours, nothing cached": lambda: run([*ours, book, "--no-cache"], folder),
                "ours, last step changed": edit_and_run,
                "ours, all cached": lambda: run([*ours, book], folder),
            },
            rounds=options.rounds,
        )
    print(table("Five steps, whole command", times, against="papermill"))


if __name__ == "__main__":
    main()
