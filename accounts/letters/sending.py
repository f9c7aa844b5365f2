"""Sending letters: a part of the program, in one process at a time, apart from who writes them.

A letter is marked as sent after it was: killed between the two, it is sent twice rather than
never. One that cannot be sent is tried again, after 10 s, then twice as long each time up to an
hour, until it is of no use any more.
"""

from __future__ import annotations

import smtplib
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import timezone

from accounts.factors import seeds
from accounts.letters import writing
from accounts.letters.models import Letter
from foundation import outboxes, wakeups

log = structlog.get_logger(__name__)

JOB: Final = "letters"
BATCH: Final = 20
WAIT_FIRST: Final = timedelta(seconds=10)
WAIT_MAX: Final = timedelta(hours=1)


def run(stop: threading.Event, beat: Callable[[], None]) -> None:
    """Send letters until `stop`, while no other process does."""
    outboxes.run(
        stop,
        beat,
        job=JOB,
        channel=wakeups.Channel.LETTERS,
        send_due=lambda: send_due(now=timezone.now()) == BATCH,
    )


def wait_after(attempts: int) -> timedelta:
    """Return how long to wait after so many attempts that failed."""
    return outboxes.wait_after(attempts, first=WAIT_FIRST, most=WAIT_MAX)


def send_due(*, now: datetime) -> int:
    """Send letters whose time has come, the oldest first; return how many were looked at.

    When the post cannot be reached at all, the rest waits for the next time.
    """
    _give_up_useless(now=now)
    due = Letter.objects.filter(sent_at=None, given_up_at=None, next_at__lte=now)
    letters = list(due.order_by("next_at", "pk")[:BATCH])
    if not letters:
        return 0
    post = get_connection()
    try:
        for letter in letters:
            if not _send(letter, post, now=now):
                break
    finally:
        post.close()
    return len(letters)


def _send(letter: Letter, post: BaseEmailBackend, *, now: datetime) -> bool:
    """Send one letter and note what became of it; False when the post itself is out of reach."""
    try:
        text = writing.read(letter)
    except seeds.SeedUnreadable:
        _give_up([letter.pk], why="sealed under a secret that is gone", now=now)
        return True
    message = EmailMessage(
        subject=letter.subject, body=text, to=[letter.to], from_email=settings.LETTERS_FROM,
        connection=post,
    )  # fmt: skip
    try:
        message.send()
    except OSError as error:  # smtplib's errors are among them
        attempts = letter.attempts + 1
        log.error("letter_not_sent", letter=letter.pk, attempts=attempts, error=str(error))
        Letter.objects.filter(pk=letter.pk).update(
            attempts=attempts, next_at=now + wait_after(attempts), failure=str(error)[:200]
        )
        # What was answered concerns this letter alone.
        return isinstance(error, smtplib.SMTPResponseException | smtplib.SMTPRecipientsRefused)
    Letter.objects.filter(pk=letter.pk).update(
        sent_at=now, attempts=letter.attempts + 1, failure="", sealed_text=_kept(letter)
    )
    return True


def _kept(letter: Letter) -> str:
    """In the demo shape a newcomer opens their letters on a page; elsewhere nothing is kept."""
    return letter.sealed_text if settings.DEMO else ""


def _give_up_useless(*, now: datetime) -> None:
    useless = Letter.objects.filter(sent_at=None, given_up_at=None, useless_at__lte=now)
    pks = list(useless.order_by("pk").values_list("pk", flat=True)[:BATCH])
    if pks:
        _give_up(pks, why="of no use any more", now=now)


def _give_up(pks: list[int], *, why: str, now: datetime) -> None:
    log.error("letters_given_up", letters=pks, why=why)
    Letter.objects.filter(pk__in=pks).update(given_up_at=now, failure=why, sealed_text="")
