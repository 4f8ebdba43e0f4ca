"""Signed statements: JSON in a DSSE envelope, under an Ed25519 key of the project's own.

The payload is an in-toto statement, so that tools that know these two forms can check a file. It
holds the public key that signed it: that proves that nothing was altered, and not who signed. Who
wants to know that compares the key's fingerprint with the one that the signer has told.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from ..errors import MlopsError, Place
from ..os_errors import explain_os_errors
from ..project import Project

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PrivateKey,
        Ed25519PublicKey,
    )

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT = "https://in-toto.io/Statement/v1"
VARIABLE = "MLOPS_SIGNING_KEY"
_PEM = "-----BEGIN"


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key; ``fingerprint`` names its public half."""

    private: Ed25519PrivateKey
    place: str

    @property
    def public_pem(self) -> str:
        return _public_pem(self.private.public_key())

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.private.public_key())


@dataclass(frozen=True, slots=True)
class Opened:
    """What a verified envelope holds, and whose key has signed it."""

    statement: dict[str, Any]
    fingerprint: str
    public_pem: str

    @property
    def predicate(self) -> dict[str, Any]:
        found: dict[str, Any] = self.statement["predicate"]
        return found


def signer(project: Project) -> Signer:
    """Return the project's key, made at first use with mode 0600.

    It is ``.mlops/keys/evidence.pem``, unless ``[evidence] key`` in mlops.toml or the environment
    variable ``MLOPS_SIGNING_KEY`` name another file; the variable may hold the PEM text itself.

    Raises `MlopsError` ``evidence.key`` for what is no private Ed25519 key.
    """
    given = os.environ.get(VARIABLE, "")
    if given.startswith(_PEM):
        return Signer(_private(given.encode(), VARIABLE), VARIABLE)
    named = given or project.settings.evidence.key
    if named:
        path = project.root / Path(named).expanduser()
        path.parent.mkdir(parents=True, exist_ok=True)
    else:
        path = project.folder("keys") / "evidence.pem"
    if not path.exists():
        _make(path)
    return Signer(_private(path.read_bytes(), str(path)), str(path))


def seal(statement: Mapping[str, Any], signed_by: Signer) -> bytes:
    """Return the bytes of the envelope around a statement, which gets the signer's public key."""
    whole = {
        **statement,
        "predicate": {
            **statement["predicate"],
            "signer": {
                "public_key": signed_by.public_pem,
                "fingerprint": signed_by.fingerprint,
            },
        },
    }
    payload = canonical(whole)
    signature = signed_by.private.sign(_encoded(PAYLOAD_TYPE, payload))
    envelope = {
        "payloadType": PAYLOAD_TYPE,
        "payload": base64.b64encode(payload).decode(),
        "signatures": [
            {"keyid": signed_by.fingerprint, "sig": base64.b64encode(signature).decode()}
        ],
    }
    return canonical(envelope) + b"\n"


def unseal(content: bytes, *, key: str | None = None, name: str = "evidence") -> Opened:
    """Verify an envelope and return what it holds.

    Every byte counts: what is not exactly what `seal` wrote is refused.

    Parameters
    ----------
    key
        Who must have signed it: the path of a public key, or a key's fingerprint.

    Raises
    ------
    MlopsError
        ``evidence.altered``, ``evidence.other-key``, or ``evidence.key`` where ``key`` is none.
    """
    try:
        envelope = json.loads(content)
        payload = base64.b64decode(envelope["payload"], validate=True)
        entry = envelope["signatures"][0]
        signature = base64.b64decode(entry["sig"], validate=True)
        statement = json.loads(payload)
        pem = statement["predicate"]["signer"]["public_key"]
        rebuilt = {
            "payloadType": PAYLOAD_TYPE,
            "payload": base64.b64encode(payload).decode(),
            "signatures": [{"keyid": entry["keyid"], "sig": base64.b64encode(signature).decode()}],
        }
        whole = canonical(rebuilt) + b"\n" == content and canonical(statement) == payload
    except (ValueError, KeyError, TypeError, IndexError, binascii.Error, RecursionError):
        _altered(name, "it is not what was written")
    if not whole:
        _altered(name, "it is not what was written")
    public = _public(pem, name)
    if entry["keyid"] != fingerprint(public):
        _altered(name, "its signature names another key")
    from cryptography.exceptions import InvalidSignature

    try:
        public.verify(signature, _encoded(PAYLOAD_TYPE, payload))
    except InvalidSignature:
        _altered(name, "its signature does not fit its content")
    if key is not None and _wanted(key) != fingerprint(public):
        raise MlopsError(
            "evidence.other-key",
            f"The evidence is whole, but signed with another key: {fingerprint(public)}.",
            hint="do not trust it before you know whose key that is.",
            place=Place(name),
        )
    return Opened(statement, fingerprint(public), pem)


def canonical(content: Any) -> bytes:
    """Return the one JSON form of a value: keys sorted, no white space, UTF-8.

    Numbers that are not finite, which JSON does not know, must be text already.
    """
    return json.dumps(
        content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode("utf-8", "surrogatepass")


def plain(value: Any) -> Any:
    """Return a value as JSON holds it; numbers that are not finite become text."""
    if isinstance(value, Mapping):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def fingerprint(public: Ed25519PublicKey) -> str:
    """Return the SHA-256 of a public key in its DER form."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"sha256:{hashlib.sha256(der).hexdigest()}"


def _encoded(kind: str, payload: bytes) -> bytes:
    """Return what DSSE signs: type and payload, each with its length before it."""
    name = kind.encode()
    return b"DSSEv1 %d %b %d %b" % (len(name), name, len(payload), payload)


def _make(path: Path) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private = Ed25519PrivateKey.generate()
    text = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    part = path.with_name(f".{path.name}.{os.getpid()}")
    with explain_os_errors(path):
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(text)
            try:
                os.link(part, path)  # of two processes that come first, one makes the key
            except FileExistsError:
                return
            path.with_suffix(".pub").write_text(_public_pem(private.public_key()))
        finally:
            part.unlink(missing_ok=True)


def _private(content: bytes, where: str) -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        found = load_pem_private_key(content, password=None)
    except (ValueError, TypeError):
        found = None
    if not isinstance(found, Ed25519PrivateKey):
        raise MlopsError(
            "evidence.key",
            "This is no private Ed25519 key in PEM form without a password.",
            hint="make one with `openssl genpkey -algorithm ed25519 -out key.pem`.",
            place=Place(where),
        )
    return found


def _public(pem: object, name: str) -> Ed25519PublicKey:
    found = _loaded(pem.encode()) if isinstance(pem, str) else None
    if found is None:
        _altered(name, "it holds no public key")
    return found


def _loaded(pem: bytes) -> Ed25519PublicKey | None:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        found = load_pem_public_key(pem)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return found if isinstance(found, Ed25519PublicKey) else None


def _public_pem(public: Ed25519PublicKey) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _wanted(key: str) -> str:
    if key.startswith("sha256:"):
        return key.lower()
    try:
        found = _loaded(Path(key).read_bytes())
    except OSError:
        found = None
    if found is None:
        raise MlopsError(
            "evidence.key",
            "This is neither a public Ed25519 key in PEM form nor a fingerprint.",
            hint="give the signer's `evidence.pub`, or `sha256:…`.",
            place=Place(key),
        )
    return fingerprint(found)


def _altered(name: str, how: str) -> NoReturn:
    raise MlopsError(
        "evidence.altered",
        f"The evidence has been altered, or is none: {how}.",
        hint="ask whoever gave it to you for the file as it was written.",
        place=Place(name),
    )
