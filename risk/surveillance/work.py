"""What people do about an alert: acknowledge it, take it, write a note, hand it upwards, close it.

Every step is kept with who took it and when. Whoever takes one has acknowledged the alert, so that
nobody else is told of it; but handed upwards, it goes to the next on its path at once. One who has
handed an alert upwards does not close it: that is for another person.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import structlog
from django.db import transaction

from accounts.models import User
from risk.surveillance.models import Alert, AlertStep

log = structlog.get_logger(__name__)

State = Alert.State
Outcome = Alert.Outcome
Kind = AlertStep.Kind

_LEADS_TO: Final[dict[tuple[State, Kind], State]] = {
    (State.OPEN, Kind.ACKNOWLEDGED): State.OPEN,
    (State.ASSIGNED, Kind.ACKNOWLEDGED): State.ASSIGNED,
    (State.ESCALATED, Kind.ACKNOWLEDGED): State.ESCALATED,
    (State.OPEN, Kind.TAKEN): State.ASSIGNED,
    (State.OPEN, Kind.NOTED): State.OPEN,
    (State.OPEN, Kind.ESCALATED): State.ESCALATED,
    (State.OPEN, Kind.CLOSED): State.CLOSED,
    (State.ASSIGNED, Kind.TAKEN): State.ASSIGNED,
    (State.ASSIGNED, Kind.NOTED): State.ASSIGNED,
    (State.ASSIGNED, Kind.ESCALATED): State.ESCALATED,
    (State.ASSIGNED, Kind.CLOSED): State.CLOSED,
    (State.ESCALATED, Kind.TAKEN): State.ESCALATED,
    (State.ESCALATED, Kind.NOTED): State.ESCALATED,
    (State.ESCALATED, Kind.CLOSED): State.CLOSED,
    (State.CLOSED, Kind.NOTED): State.CLOSED,
}


_WORDLESS: Final = frozenset({Kind.ACKNOWLEDGED, Kind.TAKEN})
_CHANGING: Final = (
    "state", "assigned_to", "outcome", "closed_at", "acknowledged_at", "next_step_at",
)  # fmt: skip


class UnableToWork(ValueError):
    """The step is not open to this person now; the message says why."""


def open_to(alert: Alert) -> list[AlertStep.Kind]:
    """Return the steps that can be taken about the alert as it stands."""
    return [kind for kind in Kind if (State(alert.state), kind) in _LEADS_TO]


def take_step(
    alert_id: int,
    *,
    kind: AlertStep.Kind,
    by: User,
    now: datetime,
    note: str = "",
    outcome: Alert.Outcome | None = None,
) -> AlertStep:
    """Take one step about an alert.

    All but to acknowledge and to take it needs a note, and closing it an outcome. Raises
    UnableToWork.
    """
    note = note.strip()
    if not by.is_staff:
        raise UnableToWork("Alerts are worked by staff.")
    if kind not in _WORDLESS and not note:
        raise UnableToWork("Say what you have found, or why.")
    if (kind is Kind.CLOSED) != (outcome is not None):
        raise UnableToWork("An alert is closed with an outcome, and has none before.")
    with transaction.atomic():
        alert = Alert.objects.select_for_update(no_key=True).filter(pk=alert_id).first()
        if alert is None:
            raise UnableToWork("There is no such alert.")
        following = _LEADS_TO.get((State(alert.state), kind))
        if following is None:
            raise UnableToWork(f"The alert is {alert.state} already.")
        if kind is Kind.CLOSED and _escalated_by(alert) == by.pk:
            raise UnableToWork("Another person closes what you have handed upwards.")
        step = AlertStep.objects.create(
            alert=alert, at=now, by=by, kind=kind, outcome=outcome or "", note=note
        )
        alert.state = following
        if kind is Kind.TAKEN:
            alert.assigned_to = by
        elif kind is Kind.ESCALATED:
            alert.assigned_to = None
        elif kind is Kind.CLOSED:
            alert.outcome, alert.closed_at = outcome or "", now
        _follow_the_path(alert, kind, now)
        alert.save(update_fields=_CHANGING)
    log.info("alert_step", alert=alert.pk, step=kind.value, by=str(by.pk))
    return step


def acknowledge(alert_id: int, *, through: str, now: datetime) -> bool:
    """Note that somebody who was told by the channel `through` has the alert.

    Tells whether that was news: not if it is acknowledged already, or closed.
    """
    with transaction.atomic():
        waiting = Alert.objects.filter(pk=alert_id, acknowledged_at=None)
        alert = waiting.exclude(state=State.CLOSED).select_for_update(no_key=True).first()
        if alert is None:
            return False
        AlertStep.objects.create(alert=alert, at=now, through=through, kind=Kind.ACKNOWLEDGED)
        _follow_the_path(alert, Kind.ACKNOWLEDGED, now)
        alert.save(update_fields=_CHANGING)
    log.info("alert_step", alert=alert.pk, step=Kind.ACKNOWLEDGED.value, through=through)
    return True


def _follow_the_path(alert: Alert, kind: AlertStep.Kind, now: datetime) -> None:
    if kind is Kind.ESCALATED:
        # The next step is told in a moment; if there is none, it was told on the last.
        alert.acknowledged_at = None
        alert.next_step_at = now if alert.steps_told else None
    else:
        alert.acknowledged_at = alert.acknowledged_at or now
        alert.next_step_at = None


def _escalated_by(alert: Alert) -> object:
    last = alert.steps.filter(kind=Kind.ESCALATED).order_by("-pk").first()
    return last.by_id if last is not None else None
