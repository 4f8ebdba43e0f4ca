from __future__ import annotations

import pytest

from jupyter_mlops.pipeline.variables import variables_read

KNOWN = {"A": "1", "B": "2", "PWD": "/x"}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("x = 1", {}),
        ("environ_like = 1", {}),
        ("os.environ['A']", {"A": "1"}),
        ("os.environ.get('A', 3); os.getenv(\"C\")", {"A": "1", "C": None}),
        ("%env B", {"B": "2"}),
        ("os.environ[name]", {"A": "1", "B": "2"}),
        ("dict(os.environ)", {"A": "1", "B": "2"}),
    ],
)
def test_what_is_read_counts(source: str, found: dict[str, str | None]) -> None:
    assert variables_read([source], KNOWN) == found
