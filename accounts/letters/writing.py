"""Writing a letter to a person: a row in the caller's transaction, sent by `sending` afterwards.

    writing.write(user, "new_sign_in", now=now, place="Vienna, Austria", ...)

A new kind is a new file in `texts/`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings

from accounts.factors import seeds
from accounts.letters import wording
from accounts.letters.models import Letter
from accounts.letters.wording import Fact
from accounts.models import User
from accounts.sessions import security_log
from accounts.sessions.events import Kind
from foundation import wakeups

LASTS: Final = timedelta(days=3)


def write(
    user: User | None,
    kind: str,
    *,
    now: datetime,
    to: str | None = None,
    lasts: timedelta = LASTS,
    **facts: Fact,
) -> Letter:
    """Write `user` a letter of this kind: it goes out after the caller's commit, and not without.
    To somebody who is nobody here yet, `user` is None.

    `to` is another address than the user's present one, as when that has just changed; `lasts`
    is how long it is of use: a code of five minutes is not sent later. Besides `facts` a text may
    ask for `name`, `email`, and `home`, our own address. Raises wording.UnknownLetter,
    wording.FactsMissing.
    """
    known: dict[str, Fact] = {
        "name": user.get_full_name() if user else "",
        "email": user.email if user else to or "",
        "home": settings.PUBLIC_URL,
    }
    said = wording.compose(kind, {**known, **facts})
    letter = Letter.objects.create(
        user=user,
        to=to or str(known["email"]),
        kind=kind,
        subject=said.subject,
        sealed_text=seeds.seal(said.text.encode()),
        written_at=now,
        useless_at=now + lasts,
        next_at=now,
    )
    if user is not None:
        security_log.note(user, Kind.LETTER, now=now, about=f"{said.subject}, to {letter.to}")
    wakeups.send(wakeups.Channel.LETTERS)
    return letter


def read(letter: Letter) -> str:
    """Return the text of a letter, "" when it was sent and is gone. Raises seeds.SeedUnreadable."""
    return seeds.unseal(letter.sealed_text).decode() if letter.sealed_text else ""
