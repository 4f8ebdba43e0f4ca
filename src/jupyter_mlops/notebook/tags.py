"""The words that a cell's tags may say, ours and Kale's."""

from __future__ import annotations

IMPORTS = frozenset({"imports"})
FUNCTIONS = frozenset({"functions"})
PARAMETERS = frozenset({"parameters", "pipeline-parameters"})
METRICS = frozenset({"metrics", "pipeline-metrics"})
SERVE = frozenset({"serve"})
SKIP = frozenset({"skip"})
TEST = frozenset({"test"})
STEP_PREFIX = "step:"
STEP_PREFIXES = (STEP_PREFIX, "block:")
"""Kale wrote ``block:`` before it wrote ``step:``."""
AFTER_PREFIXES = ("after:", "prev:")
