"""Running a notebook again: tracked, with other parameters, through papermill."""

from __future__ import annotations

from .rerun import Rerun, rerun

__all__ = ["Rerun", "rerun"]
