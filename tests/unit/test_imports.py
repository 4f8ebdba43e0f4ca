"""What source code imports."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.images.imports import imported_modules


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import a.b, c as d", {"a", "c"}),
        ("from a.b import c", {"a"}),
        ("from . import a\nfrom .b import c", set()),
        ("def f():\n    import a", {"a"}),
        ("try:\n    import a\nexcept ImportError:\n    import b", {"a", "b"}),
        ("import importlib\nimportlib.import_module('a.b')", {"importlib", "a"}),
        ("%matplotlib inline\nimport a", {"a"}),
        ("!pip install x\nfiles = !ls\nimport a\na?", {"a"}),
        ("%%time\nimport a", {"a"}),
        ("%%bash\nimport a", set()),
        ("this is ( no python", set()),
        ("", set()),
    ],
)
def test_imports_are_read_from_source(source: str, expected: set[str]) -> None:
    assert imported_modules(source) == expected


def test_what_a_method_imports_when_it_is_called_counts() -> None:
    assert "matplotlib" in imported_modules("frame.plot()")
    assert imported_modules("frame.head()") == set()


@given(
    st.lists(
        st.sampled_from(["numpy", "pandas", "sklearn", "os"]), min_size=1, max_size=4, unique=True
    )
)
def test_every_import_that_is_written_is_found(modules: list[str]) -> None:
    source = "\n".join(f"import {name} as m{i}" for i, name in enumerate(modules))
    assert imported_modules(source) == set(modules)
