"""The text of the Dockerfiles."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.images import dockerfile

BASE = "python:3.11-slim"


@dataclass(frozen=True)
class Described:
    name: str = "flights"
    notebook: str = "notebooks/flights.ipynb"
    notebook_digest: str = "ab" * 32


@pytest.mark.parametrize("make", [dockerfile.training, dockerfile.serving])
def test_hadolint_finds_nothing(make: object, tmp_path: Path) -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    if not hadolint.exists():
        pytest.skip("hadolint is not installed in this environment")
    assert callable(make)
    file = tmp_path / "Dockerfile"
    file.write_text(make(Described(notebook='a "b" $c `d`.ipynb'), BASE))
    done = subprocess.run([hadolint, file], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("make", [dockerfile.training, dockerfile.serving])
def test_no_root_no_entry_point_no_frontend_image(make: object) -> None:
    assert callable(make)
    text = make(Described(), BASE)
    assert text == make(Described(), BASE)
    lines = text.splitlines()
    assert f"FROM {BASE}" in lines
    assert f"USER {dockerfile.USER}:{dockerfile.USER}" in lines
    assert "ENTRYPOINT" not in text
    assert "# syntax=" not in text
    assert "--mount" not in text


def test_code_comes_after_requirements() -> None:
    for make, code in (
        (dockerfile.training, f"COPY pipeline {dockerfile.PIPELINE}"),
        (dockerfile.serving, f"COPY release {dockerfile.RELEASE}"),
    ):
        text = make(Described(), BASE)
        order = [text.index(part) for part in ("pip --python", "COPY runtime", code, "LABEL")]
        assert order == sorted(order)


def test_the_notebook_and_its_digest_are_labels() -> None:
    text = dockerfile.serving(Described(), BASE)
    assert f'org.opencontainers.image.revision="{"ab" * 32}"' in text
    assert 'mlops.notebook="notebooks/flights.ipynb"' in text


@given(st.text(min_size=1, max_size=60))
def test_no_name_of_a_notebook_gets_out_of_its_label(name: str) -> None:
    text = dockerfile.training(Described(notebook=name), BASE)
    usual = dockerfile.training(Described(notebook="x"), BASE)
    assert len(text.splitlines()) == len(usual.splitlines())
    found = re.search(r'mlops\.notebook="((?:\\.|[^"\\$])*)" \\\n', text)
    assert found is not None
    plain = re.sub(r"\\(.)", r"\1", found[1])
    assert plain == "".join(c if c.isprintable() else " " for c in name)


@pytest.mark.parametrize(
    "base", [BASE, "debian", "localhost:5000/team/base:1.2_3", "a.b/c@sha256:" + "0" * 64]
)
def test_image_references_are_taken(base: str) -> None:
    assert dockerfile.check_base(base) == base


@pytest.mark.parametrize(
    "base", ["", "a b", "x\nRUN evil", "$BASE", "UPPER", "--platform=a", "x:", "a@sha256:12"]
)
def test_what_is_no_image_reference_is_refused(base: str) -> None:
    with pytest.raises(MlopsError, match="no image reference") as caught:
        dockerfile.training(Described(), base)
    assert caught.value.code == "images.base"
