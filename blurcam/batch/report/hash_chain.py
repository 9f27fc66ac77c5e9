"""A report that shows when it was changed: a chain of hashes, and a signature over its end.

Each entry's hash covers the entry and the hash before it, so that none can be changed, left out or
moved without changing all that follow. A chain without a signature catches accidents alone: a
forger can compute it anew. A signature catches both.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from blurcam.errors import ConfigError

_GENESIS: Final = "0" * 64


def link(previous: str, entry: dict[str, Any]) -> str:
    """Return the hash of an entry after another: SHA-256 of both, in hexadecimal."""
    text = json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(f"{previous}\n{text}".encode()).hexdigest()


def chained(header: dict[str, Any], files: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a document of a header and entries, with a hash in each."""
    head = link(_GENESIS, header)
    document: dict[str, Any] = {"header": header, "header_hash": head, "files": []}
    for entry in files:
        head = link(head, entry)
        document["files"].append(entry | {"hash": head})
    return document | {"head": head}


def sealed(document: dict[str, Any], page: bytes, key: Path | None) -> dict[str, Any]:
    """Return the document with the hash of its page and, given a key, signed with Ed25519."""
    page_hash = hashlib.sha256(page).hexdigest()
    seal = link(document["head"], {"page_sha256": page_hash})
    document = document | {"page_sha256": page_hash, "seal": seal}
    if key is None:
        return document
    private = _private_key(key)
    public = private.public_key().public_bytes_raw()
    return document | {
        "signature": {
            "algorithm": "Ed25519",
            "public_key": base64.b64encode(public).decode(),
            "value": base64.b64encode(private.sign(seal.encode())).decode(),
        }
    }


def faults(document: dict[str, Any], page: bytes | None, key: Path | None) -> Iterator[str]:
    """Yield everything that shows a report was changed after it was made.

    ``key`` is a public key, in PEM, that must have signed it.
    """
    try:
        yield from _faults(document, page, key)
    except (KeyError, TypeError, ValueError, AttributeError) as exc:
        yield f"is not a report of blurcam, or parts of it are missing ({exc!r})"


def _faults(document: dict[str, Any], page: bytes | None, key: Path | None) -> Iterator[str]:
    head = link(_GENESIS, document["header"])
    if head != document["header_hash"]:
        yield "its header was changed"
    for number, entry in enumerate(document["files"]):
        head = link(head, {name: value for name, value in entry.items() if name != "hash"})
        if head != entry["hash"]:
            yield f"entry {number + 1} ({entry['output']}) was changed, or one before it is missing"
            break
    if head != document["head"]:
        yield "its entries are not those that it was made of"
    if link(document["head"], {"page_sha256": document["page_sha256"]}) != document["seal"]:
        yield "its seal is not that of its entries"
    if page is None:
        yield "its page, report.html, is missing"
    elif hashlib.sha256(page).hexdigest() != document["page_sha256"]:
        yield "its page, report.html, was changed"
    yield from _signature_faults(document, key)


def _signature_faults(document: dict[str, Any], key: Path | None) -> Iterator[str]:
    signature = document.get("signature")
    if signature is None:
        if key is not None:
            yield "is not signed"
        return
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    raw = base64.b64decode(signature["public_key"])
    if key is not None and _public_key(key) != raw:
        yield "is signed with another key"
    try:
        value = base64.b64decode(signature["value"])
        Ed25519PublicKey.from_public_bytes(raw).verify(value, document["seal"].encode())
    except InvalidSignature:
        yield "its signature is not of this report"


def _private_key(path: Path) -> Any:
    serialization, kinds = _cryptography()
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as exc:
        raise ConfigError(f"{path}: cannot be read as a private key: {exc}") from exc
    if not isinstance(key, kinds.Ed25519PrivateKey):
        raise ConfigError(
            f"{path}: is not an Ed25519 key; make one with: openssl genpkey -algorithm ed25519"
        )
    return key


def _public_key(path: Path) -> bytes:
    serialization, kinds = _cryptography()
    try:
        key = serialization.load_pem_public_key(path.read_bytes())
    except (OSError, ValueError, TypeError) as exc:
        raise ConfigError(f"{path}: cannot be read as a public key: {exc}") from exc
    if not isinstance(key, kinds.Ed25519PublicKey):
        raise ConfigError(f"{path}: is not an Ed25519 public key")
    return bytes(key.public_bytes_raw())


def _cryptography() -> tuple[Any, Any]:
    try:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ed25519
    except ImportError as exc:
        raise ConfigError(
            "sign-key: signing needs a package more; install it with: pip install blurcam[sign]"
        ) from exc
    return serialization, ed25519
