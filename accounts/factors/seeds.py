"""What lies sealed in the database: seeds of authenticator apps, tax numbers, letters.

The keys come by HKDF from SEED_KEYS, of which the first seals and all open. Without any it is
SECRET_KEY that seals; it and its fallbacks open always, so that keys of their own can be given
later. To change a key, put another before it, run `manage.py reseal_seeds`, then drop it.
"""

from __future__ import annotations

import base64
import secrets
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

SEED_BYTES = 20  # RFC 4226 section 4: 160 bits


class SeedUnreadable(RuntimeError):
    """It was sealed under none of the keys that there are."""


def new() -> str:
    """Return a new random seed, sealed."""
    return seal(secrets.token_bytes(SEED_BYTES))


def seal(seed: bytes) -> str:
    return _box().encrypt(seed).decode()


def unseal(sealed: str) -> bytes:
    """Return the seed. Raises SeedUnreadable."""
    try:
        return _box().decrypt(sealed)
    except InvalidToken:
        raise SeedUnreadable(
            "Put the former key behind the others in SEED_KEYS, or in SECRET_KEY_FALLBACKS."
        ) from None


def reseal(sealed: str) -> str:
    """Return the same seed sealed under the newest key. Raises SeedUnreadable."""
    return seal(unseal(sealed))


def _box() -> MultiFernet:
    return _box_of(*settings.SEED_KEYS, settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)


@lru_cache(maxsize=4)
def _box_of(*secret_keys: str) -> MultiFernet:
    return MultiFernet([Fernet(_key_from(secret)) for secret in secret_keys])


def _key_from(secret: str) -> bytes:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"openfloor authenticator seeds")
    return base64.urlsafe_b64encode(derived.derive(secret.encode()))
