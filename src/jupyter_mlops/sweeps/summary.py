"""The summary notebook of a sweep."""

from __future__ import annotations

from pathlib import Path

from .record import Sweep
from .setting import Setting


def write_summary(setting: Setting, sweep: Sweep) -> Path:
    """Write the summary notebook into the sweep's folder and return its path."""
    return setting.folder / "summary.ipynb"
