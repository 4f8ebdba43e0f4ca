"""Many runs of one notebook: sweeps over a space of parameters, and tuning."""

from __future__ import annotations

from . import plots, tables
from .record import Sweep, read_sweep
from .sweep import sweep
from .tune import tune

__all__ = ["Sweep", "plots", "read_sweep", "sweep", "tables", "tune"]
