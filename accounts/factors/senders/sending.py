"""Text messages: written with what they tell of, sent afterwards by a part of the program.

One that cannot be sent is tried again, after 5 s, then twice as long each time, until its code
is of no use any more. Killed between sending and noting it, the part sends it twice.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string

from accounts.factors import seeds
from accounts.models import TextMessage
from foundation import outboxes, wakeups

log = structlog.get_logger(__name__)

JOB: Final = "text messages"
BATCH: Final = 20
WAIT_FIRST: Final = timedelta(seconds=5)
WAIT_MAX: Final = timedelta(minutes=1)


def is_available() -> bool:
    """Say whether this installation sends SMS at all."""
    return bool(settings.SMS_SENDER)


def write(to: str, text: str, *, now: datetime, lasts: timedelta) -> TextMessage:
    """Write a message: it goes out after the caller's commit, and not without."""
    message = TextMessage.objects.create(
        to=to,
        sealed_text=seeds.seal(text.encode()),
        written_at=now,
        useless_at=now + lasts,
        next_at=now,
    )
    wakeups.send(wakeups.Channel.TEXT_MESSAGES)
    return message


def run(stop: threading.Event, beat: Callable[[], None]) -> None:
    """Send messages until `stop`, while no other process does."""
    outboxes.run(
        stop,
        beat,
        job=JOB,
        channel=wakeups.Channel.TEXT_MESSAGES,
        send_due=lambda: send_due(now=timezone.now()) == BATCH,
    )


def wait_after(attempts: int) -> timedelta:
    """Return how long to wait after so many attempts that failed."""
    return outboxes.wait_after(attempts, first=WAIT_FIRST, most=WAIT_MAX)


def send_due(*, now: datetime) -> int:
    """Send messages whose time has come, the oldest first; return how many were looked at."""
    _give_up_useless(now=now)
    due = TextMessage.objects.filter(sent_at=None, given_up_at=None, next_at__lte=now)
    messages = list(due.order_by("next_at", "pk")[:BATCH])
    for message in messages:
        _send(message, now=now)
    return len(messages)


def _send(message: TextMessage, *, now: datetime) -> None:
    send = import_string(settings.SMS_SENDER)
    row = TextMessage.objects.filter(pk=message.pk)
    attempts = message.attempts + 1
    try:
        send(message.to, seeds.unseal(message.sealed_text).decode())
    except (OSError, seeds.SeedUnreadable) as error:
        log.error("text_message_not_sent", message=message.pk, attempts=attempts, error=str(error))
        row.update(attempts=attempts, next_at=now + wait_after(attempts), failure=str(error)[:200])
    else:
        row.update(attempts=attempts, sent_at=now, failure="", sealed_text="")


def _give_up_useless(*, now: datetime) -> None:
    useless = TextMessage.objects.filter(sent_at=None, given_up_at=None, useless_at__lte=now)
    count = useless.update(given_up_at=now, failure="of no use any more", sealed_text="")
    if count:
        log.error("text_messages_given_up", count=count)
