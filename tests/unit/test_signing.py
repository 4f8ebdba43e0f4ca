"""Signed statements: whole they open, and with any byte altered they do not."""

from __future__ import annotations

import base64
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.governance.signing import (
    PAYLOAD_TYPE,
    Signer,
    canonical,
    plain,
    seal,
    signer,
    unseal,
)
from jupyter_mlops.project import Project

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
STATEMENT: dict[str, Any] = {"subject": [{"name": "é"}], "predicate": {"verdict": "identical"}}


def _fresh() -> Signer:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Signer(Ed25519PrivateKey.generate(), "here")


ME = _fresh()
SEALED = seal(STATEMENT, ME)


@given(JSON)
def test_the_canonical_form_is_one_form(value: Any) -> None:
    known = plain(value)
    text = canonical(known)
    assert canonical(json.loads(text)) == text


@given(JSON)
@settings(max_examples=50)
def test_what_is_sealed_opens_as_it_was(value: Any) -> None:
    sealed = seal({"predicate": {"value": plain(value)}}, ME)
    opened = unseal(sealed, key=ME.fingerprint)
    assert canonical(opened.predicate["value"]) == canonical(plain(value))
    assert opened.fingerprint == ME.fingerprint


@given(st.integers(0, len(SEALED) - 1), st.integers(1, 255))
@settings(max_examples=300)
def test_any_altered_byte_is_refused(place: int, change: int) -> None:
    altered = bytearray(SEALED)
    altered[place] ^= change
    with pytest.raises(MlopsError) as caught:
        unseal(bytes(altered))
    assert caught.value.code == "evidence.altered"
    assert "\n" not in caught.value.message


@given(st.integers(0, len(SEALED)), st.binary(min_size=1, max_size=3))
def test_any_added_byte_is_refused(place: int, more: bytes) -> None:
    with pytest.raises(MlopsError, match="altered"):
        unseal(SEALED[:place] + more + SEALED[place:])


def test_a_payload_signed_anew_by_somebody_else_is_told_by_the_key() -> None:
    forged = seal({"predicate": {"verdict": "identical, really"}}, _fresh())
    assert unseal(forged).fingerprint != ME.fingerprint
    with pytest.raises(MlopsError) as caught:
        unseal(forged, key=ME.fingerprint)
    assert caught.value.code == "evidence.other-key"


def test_other_tools_can_check_the_envelope() -> None:
    envelope = json.loads(SEALED)
    body = base64.b64decode(envelope["payload"])
    signed = f"DSSEv1 {len(PAYLOAD_TYPE)} {PAYLOAD_TYPE} {len(body)} ".encode() + body
    signature = base64.b64decode(envelope["signatures"][0]["sig"])
    ME.private.public_key().verify(signature, signed)


def test_the_key_is_made_once_and_is_the_owners_alone(project_root: Path) -> None:
    project = Project(project_root)
    first = signer(project)
    path = project.state / "keys" / "evidence.pem"
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert signer(project).fingerprint == first.fingerprint
    sealed = seal(STATEMENT, first)
    assert unseal(sealed, key=str(path.with_suffix(".pub"))).fingerprint == first.fingerprint


def test_settings_and_the_environment_name_another_key(
    project_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project_root / "mlops.toml").write_text('[evidence]\nkey = "mine/key.pem"\n')
    named = signer(Project(project_root))
    assert (project_root / "mine" / "key.pem").is_file()
    monkeypatch.setenv("MLOPS_SIGNING_KEY", str(project_root / "other.pem"))
    other = signer(Project(project_root))
    assert other.fingerprint != named.fingerprint
    monkeypatch.setenv("MLOPS_SIGNING_KEY", (project_root / "mine" / "key.pem").read_text())
    assert signer(Project(project_root)).fingerprint == named.fingerprint


def test_what_is_no_key_is_refused(project_root: Path) -> None:
    (project_root / "mlops.toml").write_text('[evidence]\nkey = "bad.pem"\n')
    (project_root / "bad.pem").write_text("no key")
    with pytest.raises(MlopsError) as caught:
        signer(Project(project_root))
    assert caught.value.code == "evidence.key"
