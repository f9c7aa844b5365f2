"""What a seal says and how it is signed (Ed25519): as a file, as a row, in a proof. Pure.

What is signed is the canonical JSON of the content: keys sorted, no white space, ASCII alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

FORMAT: Final = "openfloor-seal-1"

Content = Mapping[str, Any]
"""Objects of texts, whole numbers and lists: docs/proof.md names each."""


def canonical(content: Content) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode("ascii")


def digest(content: Content) -> str:
    """Return what the next seal calls this one by."""
    return hashlib.sha256(canonical(content)).hexdigest()


def private_key(secret: str) -> Ed25519PrivateKey:
    """Return the key that a secret text of at least 32 characters stands for."""
    seed = hashlib.sha256(f"openfloor seal key\n{secret}".encode()).digest()
    return Ed25519PrivateKey.from_private_bytes(seed)


def public_key(key: Ed25519PrivateKey) -> str:
    """Return the public half, in hexadecimal: what is published."""
    return key.public_key().public_bytes_raw().hex()


def sign(content: Content, key: Ed25519PrivateKey) -> str:
    return key.sign(canonical(content)).hex()


def is_signed(content: Content, *, signature: str, key: str) -> bool:
    """Tell whether the holder of the public `key` has signed exactly this."""
    try:
        found = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))
        found.verify(bytes.fromhex(signature), canonical(content))
    except (InvalidSignature, ValueError):
        return False
    return True
