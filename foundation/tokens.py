"""Random tokens that we hand out, and what we keep of them: 256 bits, kept as SHA-256.

A token is random, so that a plain digest tells nobody what it was.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

BYTES: Final = 32


def new() -> str:
    """Return a token, fit for an address."""
    return secrets.token_urlsafe(BYTES)


def digest_of(token: str) -> str:
    """Return what is kept of `token`, in hexadecimal."""
    return hashlib.sha256(token.encode()).hexdigest()
