"""The words that a cell's tags may say, ours and Kale's."""

from __future__ import annotations

IMPORTS = frozenset({"imports"})
FUNCTIONS = frozenset({"functions"})
PARAMETERS = frozenset({"parameters", "pipeline-parameters"})
METRICS = frozenset({"metrics", "pipeline-metrics"})
SERVE = frozenset({"serve"})
SKIP = frozenset({"skip"})
TEST = frozenset({"test"})
RAISES = "raises-exception"
"""Jupyter's own: the cell may end with an error, and the cells below run all the same."""
STEP_PREFIX = "step:"
STEP_PREFIXES = (STEP_PREFIX, "block:")
"""Kale wrote ``block:`` before it wrote ``step:``."""
AFTER_PREFIXES = ("after:", "prev:")
