"""Acknowledging an alert by the link that a channel brought: somebody has it, nobody else is told.

The link is signed and works for a week. It shows what the message said and stops the path; it lets
nobody in, and closes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.core import signing

from risk.surveillance import work
from risk.surveillance.models import Alert, AlertStep, Telling

SALT: Final = "risk.alerts.acknowledge"
GOOD_FOR_SECONDS: Final = 7 * 24 * 3600


class NoSuchLink(LookupError):
    """Nobody was sent this link, or it is too old."""


@dataclass(frozen=True, slots=True)
class Link:
    """What a link is for: an alert, as a channel has told of it."""

    alert: Alert
    channel: str


def token(telling: Telling) -> str:
    """Return what proves that one was told of the alert by this."""
    return signing.dumps([telling.alert_id, telling.channel], salt=SALT)


def found(token: str) -> Link:
    """Return what the link is for. Raises NoSuchLink."""
    try:
        alert_id, channel = signing.loads(token, salt=SALT, max_age=GOOD_FOR_SECONDS)
    except (signing.BadSignature, ValueError, TypeError):
        raise NoSuchLink from None
    alert = Alert.objects.filter(pk=alert_id).select_related("account").first()
    if alert is None:
        raise NoSuchLink
    return Link(alert, str(channel))


def acknowledge(link: Link, *, now: datetime) -> bool:
    """Stop the path of the alert; tell whether that was news."""
    return work.acknowledge(link.alert.pk, through=link.channel, now=now)


def last_acknowledged(alert: Alert) -> AlertStep | None:
    """Return who has acknowledged it, and when."""
    return alert.steps.filter(kind=AlertStep.Kind.ACKNOWLEDGED).order_by("-pk").first()
