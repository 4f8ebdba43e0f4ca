"""The public API: everything it names is there, and importing it costs nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

import jupyter_mlops


@pytest.mark.parametrize("name", [name for name in jupyter_mlops.__all__ if name != "__version__"])
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(jupyter_mlops, name).__name__ == name


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="fly"):
        _ = jupyter_mlops.fly


def test_import_loads_nothing_else() -> None:
    code = (
        "import sys; before = set(sys.modules); import jupyter_mlops\n"
        "new = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "new -= {'jupyter_mlops', *sys.stdlib_module_names}\n"
        "sys.exit(str(new) if new else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
