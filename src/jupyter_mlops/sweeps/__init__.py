"""Many runs of one notebook: sweeps over a space of parameters, and tuning."""

from __future__ import annotations

from .record import Sweep
from .sweep import sweep

__all__ = ["Sweep", "sweep"]
