"""What a password must be, and how it is hashed: Argon2id, as OWASP sets it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth import password_validation
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.core.exceptions import ValidationError

from accounts.factors import guessable

if TYPE_CHECKING:
    from accounts.models import User

LENGTH_MAX = 128
STAFF_LENGTH_MIN = 15


class Argon2id(Argon2PasswordHasher):
    """Argon2id, 46 MiB, one pass, one lane (OWASP Password Storage Cheat Sheet)."""

    time_cost = 1
    memory_cost = 47104
    parallelism = 1


class PasswordRefused(ValueError):
    """The password cannot be used; `reasons` are sentences for its owner."""

    def __init__(self, reasons: list[str]) -> None:
        super().__init__(" ".join(reasons))
        self.reasons = reasons


def check(password: str, *, user: User) -> None:
    """Raise PasswordRefused unless `user` may take `password`. Its composition is free."""
    if len(password) > LENGTH_MAX:
        raise PasswordRefused([f"Use at most {LENGTH_MAX} characters."])
    if user.is_staff and len(password) < STAFF_LENGTH_MIN:
        raise PasswordRefused([f"Members of staff use at least {STAFF_LENGTH_MIN} characters."])
    try:
        password_validation.validate_password(password, user)
    except ValidationError as error:
        raise PasswordRefused(list(error.messages)) from None
    if guessable.is_guessable(password, words=(user.email, user.name, "openfloor")):
        raise PasswordRefused(["This is among the first that would be guessed. Choose another."])
