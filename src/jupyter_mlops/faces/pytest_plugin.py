"""The pytest plugin: ``pytest --mlops`` collects notebooks as tests, a test for each cell.

pytest imports this module in every session: without ``--mlops`` it imports nothing else.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Make the options known."""
    group = parser.getgroup("mlops", "notebooks as tests")
    group.addoption("--mlops", action="store_true", help="Collect notebooks, cell by cell.")
    group.addoption(
        "--mlops-param",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="A value for a parameter of the notebooks that have it; may be given many times.",
    )
    group.addoption(
        "--mlops-params-file",
        action="append",
        default=[],
        metavar="FILE",
        help="YAML or JSON with values for parameters; --mlops-param comes before it.",
    )
    group.addoption(
        "--mlops-timeout",
        type=float,
        metavar="SECONDS",
        help="How long each cell may take; default: as long as it wants.",
    )


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> Any:
    """Collect a notebook, where ``--mlops`` is given."""
    if file_path.suffix != ".ipynb" or not parent.config.getoption("mlops"):
        return None
    from .notebook_tests import NotebookFile

    return NotebookFile.from_parent(parent, path=file_path)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Refuse values for parameters that no collected notebook has."""
    if session.config.getoption("mlops"):
        from .notebook_tests import refuse_unused

        refuse_unused(session)
