"""The key that we seal with, and those whose seals we believe."""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings

from reconciliation.proof import signed

SECRET_LENGTH_MIN: Final = 32


class NoSealKey(RuntimeError):
    """There is nothing to sign with."""


def signing() -> Ed25519PrivateKey:
    """Return the key that new seals are signed with. Raises NoSealKey."""
    secret: str = settings.SEAL_KEY
    if len(secret) < SECRET_LENGTH_MIN:
        raise NoSealKey(f"SEAL_KEY must be a secret of at least {SECRET_LENGTH_MIN} characters.")
    return signed.private_key(secret)


def is_believed(key: str, *, number: int) -> bool:
    """Tell whether a seal of this number may be signed with the public `key`.

    The present key may sign what comes after all the former ones had to; a former key nothing
    after the last seal that it is named with, so that it is worth nothing to who finds it.
    """
    former = _former()
    if key in former:
        return number <= former[key]
    return key == signed.public_key(signing()) and number > max(former.values(), default=0)


def _former() -> dict[str, int]:
    found: dict[str, int] = {}
    for each in settings.SEAL_KEYS_FORMER:
        key, _, last = each.partition("@")
        if not last.isdecimal():
            raise NoSealKey("SEAL_KEYS_FORMER has each key as HEX@NUMBER_OF_ITS_LAST_SEAL.")
        found[key.lower()] = int(last)
    return found
