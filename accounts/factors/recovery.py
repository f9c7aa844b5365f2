"""Recovery codes: ten on a sheet of paper, for the day when every other factor is lost.

Each has 80 bits and works once. They are told once, when the sheet is made; a new sheet voids
the one before.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from typing import Final

from django.db import transaction

from accounts.letters import writing
from accounts.models import RecoveryCode, RecoveryCodes, User

COUNT: Final = 10
LETTERS: Final = "abcdefghijkmnpqrstuvwxyz23456789"  # 32, none that is read as another
LENGTH: Final = 16  # of 5 bits each
NAME: Final = "recovery code"


def renew(user: User, *, now: datetime) -> list[str]:
    """Return ten new codes of `user`; those of before are worth nothing from now on."""
    codes = ["".join(secrets.choice(LETTERS) for _ in range(LENGTH)) for _ in range(COUNT)]
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        sheet, _ = RecoveryCodes.objects.update_or_create(
            user=user,
            defaults={"name": NAME, "confirmed": True, "created_at": now, "kept_at": None},
        )
        RecoveryCode.objects.filter(sheet=sheet).delete()
        RecoveryCode.objects.bulk_create(
            [RecoveryCode(sheet=sheet, digest=_digest(code)) for code in codes]
        )
    return ["-".join(code[at : at + 4] for at in range(0, LENGTH, 4)) for code in codes]


def verify(user: User, code: str, *, now: datetime) -> RecoveryCodes | None:
    """Use `code` up and return the sheet that it stood on; None if it is none of the user's.

    The person is told by letter.
    """
    sheet: RecoveryCodes | None = RecoveryCodes.objects.filter(user=user).first()
    if sheet is None:
        return None
    # The update itself is what makes it once: of eight at a time, one finds the row unused. The
    # condition must be on the row itself: PostgreSQL does not ask a subquery again after waiting.
    unused = RecoveryCode.objects.filter(sheet=sheet, digest=_digest(code), used_at=None)
    with transaction.atomic():
        if not unused.update(used_at=now):
            return None
        writing.write(user, "recovery_code_used", now=now, at=now, left=left(user))
    return sheet


def left(user: User) -> int:
    """Return how many codes of the user's sheet can still be used."""
    return RecoveryCode.objects.filter(sheet__user=user, used_at=None).count()


def is_kept(user: User) -> bool:
    """Tell whether `user` has said that they keep the codes of their present sheet."""
    return bool(RecoveryCodes.objects.filter(user=user).exclude(kept_at=None).exists())


def note_kept(user: User, *, now: datetime) -> None:
    """Note that `user` has said so. Without a sheet, nothing happens."""
    RecoveryCodes.objects.filter(user=user, kept_at=None).update(kept_at=now)


def _digest(code: str) -> str:
    plain = "".join(letter for letter in code.casefold() if letter.isalnum())
    return hashlib.sha256(plain.encode()).hexdigest()
