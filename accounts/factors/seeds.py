"""Seeds of authenticator apps, sealed for the database.

The key comes from SECRET_KEY by HKDF, so that nothing else signed with SECRET_KEY tells of it.
To change SECRET_KEY, move the old one to SECRET_KEY_FALLBACKS, run `manage.py reseal_seeds`,
then drop it.
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
    """The seed was sealed under a secret that is in neither SECRET_KEY nor its fallbacks."""


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
        raise SeedUnreadable("Put the former SECRET_KEY into SECRET_KEY_FALLBACKS.") from None


def reseal(sealed: str) -> str:
    """Return the same seed sealed under the present SECRET_KEY. Raises SeedUnreadable."""
    return seal(unseal(sealed))


def _box() -> MultiFernet:
    return _box_of(settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)


@lru_cache(maxsize=4)
def _box_of(*secret_keys: str) -> MultiFernet:
    return MultiFernet([Fernet(_key_from(secret)) for secret in secret_keys])


def _key_from(secret: str) -> bytes:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"openfloor authenticator seeds")
    return base64.urlsafe_b64encode(derived.derive(secret.encode()))
