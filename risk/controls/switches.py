"""Switches that stop trading: thrown by one person or a rule, released by two people.

One that is thrown holds from its commit on: the transaction of every order reads what is engaged,
and the gateways are told by the same commit to send nothing more of it. What rests is cancelled
by `orders.safeguards.killing`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog
from django.db import transaction

from accounts import approvals
from accounts.models import Approval, User
from foundation import history, trips, wakeups
from foundation.trips import Answer
from risk.controls.models import Switch
from risk.findings import Kind, Severity
from risk.surveillance import alerts
from venues import routing, withheld

log = structlog.get_logger(__name__)

RELEASE: Final = "risk.switch.release"
"""The kind of an approval to release a switch."""

CODES: Final = {
    Switch.Effect.CLOSING_ONLY: "closing_only",
    Switch.Effect.HALT: "trading_halted",
    Switch.Effect.KILL: "kill_switch",
}
Named = Collection[UUID | None]
"""The ids by which an order may be named: its own, and that of the order that it replaces."""

REPEATED: Final = "executions_repeated"
ENGAGED: Final = "switch_engaged"
"""The kind of the alert that tells others of a switch."""


class UnableToSwitch(ValueError):
    """The switch cannot be thrown or released so; the message says why, to programs `code` does."""

    def __init__(self, message: str, *, code: str = "switch_refused") -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Scope:
    """What is stopped: all that is named here together; with nothing named, the firm."""

    order_id: UUID | None = None
    account_id: UUID | None = None
    instrument_id: UUID | None = None
    venue: str = ""

    def covers(self, *, order: Named, account_id: UUID, instrument_id: UUID, venue: str) -> bool:
        return (
            (self.order_id is None or self.order_id in order)
            and self.account_id in (None, account_id)
            and self.instrument_id in (None, instrument_id)
            and self.venue in ("", venue)
        )

    @property
    def words(self) -> str:
        """Return the scope as its customers are told."""
        if self.order_id:
            return "this order"
        if self.account_id:
            return "this instrument in your account" if self.instrument_id else "your account"
        if self.instrument_id:
            return "this instrument"
        return "its venue" if self.venue else "everybody"


@dataclass(frozen=True, slots=True)
class Engaged:
    """A switch that is engaged, as the order path looks at it."""

    code: str
    scope: Scope
    is_closing_only: bool


class Engagements:
    """Everything that is engaged at one moment; nothing, most of the time."""

    def __init__(self, engaged: Iterable[Engaged] = ()) -> None:
        self._engaged = tuple(engaged)

    def __bool__(self) -> bool:
        return bool(self._engaged)

    def stopping(
        self, *, order: Named, account_id: UUID, instrument_id: UUID, venue: str
    ) -> Engaged | None:
        """Return what keeps this order from going, the sternest first."""
        found = self._covering(order, account_id, instrument_id, venue)
        return next((each for each in found if not each.is_closing_only), None)

    def is_closing_only(
        self, *, order: Named, account_id: UUID, instrument_id: UUID, venue: str
    ) -> bool:
        found = self._covering(order, account_id, instrument_id, venue)
        return any(each.is_closing_only for each in found)

    def _covering(
        self, order: Named, account_id: UUID, instrument_id: UUID, venue: str
    ) -> list[Engaged]:
        return [
            each
            for each in self._engaged
            if each.scope.covers(
                order=order, account_id=account_id, instrument_id=instrument_id, venue=venue
            )
        ]


def ask_engaged() -> Answer[Engagements]:
    """Ask for everything that is engaged."""
    rows = trips.send(
        """SELECT code, effect, order_id, account_id, instrument_id, venue FROM risk_switch
            WHERE released_at IS NULL ORDER BY engaged_at"""
    )
    return Answer(
        lambda: Engagements(
            Engaged(code, Scope(*scope), is_closing_only=effect == Switch.Effect.CLOSING_ONLY)
            for code, effect, *scope in rows.get()
        )
    )


def engage(
    *,
    scope: Scope,
    effect: Switch.Effect,
    reason: str,
    actor: str,
    now: datetime,
    code: str = "",
) -> Switch:
    """Throw a switch: one person or rule is enough, and it holds at once. Raises UnableToSwitch.

    A switch that people throw comes through `orders.safeguards.stopping`, which knows orders.
    """
    if not reason.strip():
        raise UnableToSwitch("Say why.")
    check(scope, effect)
    with transaction.atomic():
        switch = Switch(
            effect=effect.value,
            code=code or CODES[effect],
            order_id=scope.order_id,
            account_id=scope.account_id,
            instrument_id=scope.instrument_id,
            venue=scope.venue,
            reason=reason.strip(),
            engaged_by=actor,
            engaged_at=now,
        )
        history.because(switch, reason)
        switch.save(force_insert=True)
        if effect is not Switch.Effect.CLOSING_ONLY:
            withheld.block(
                switch.pk,
                order_id=scope.order_id,
                account_id=scope.account_id,
                symbol=switch.instrument.symbol if switch.instrument else "",
                venue=scope.venue,
                code=switch.code,
                now=now,
            )
        alerts.raise_alert(
            kind=Kind.REPEATED_EXECUTIONS if code == REPEATED else ENGAGED,
            severity=Severity.SEVERE,
            account_id=scope.account_id,
            instrument_id=scope.instrument_id,
            evidence={"switch": str(switch.pk), "effect": effect.value, "by": actor},
            summary=f"{switch}: {reason}"[: alerts.SUMMARY_MAX],
            key=str(switch.pk),
            now=now,
        )
        wakeups.send(wakeups.Channel.OUTBOX)
        wakeups.send(wakeups.Channel.SWITCHES)
    log.warning("switch_engaged", switch=str(switch.pk), what=str(switch), by=actor)
    return switch


def check(scope: Scope, effect: Switch.Effect) -> None:
    """Make sure that such a switch may be thrown. Raises UnableToSwitch."""
    if scope.order_id is not None and effect is not Switch.Effect.KILL:
        raise UnableToSwitch("A single order can only be killed.")
    if scope.order_id is not None and scope != Scope(order_id=scope.order_id):
        raise UnableToSwitch("An order says all: name nothing beside it.")
    if scope.venue and not routing.is_known(scope.venue):
        raise UnableToSwitch(f"There is no venue {scope.venue}.", code="unknown_venue")


def ask_release(switch: Switch, *, reason: str, by: User, now: datetime) -> Approval:
    """Ask another person to agree that the switch is released. Raises UnableToSwitch."""
    if switch.released_at is not None:
        raise UnableToSwitch("It was released already.")
    return approvals.ask_once(
        kind=RELEASE,
        subject=str(switch.pk),
        content={"switch": str(switch.pk), "what": str(switch), "engaged": switch.reason},
        reason=reason,
        by=by,
        now=now,
        refusal=UnableToSwitch,
    )


def release(approval_id: UUID, *, by: User, reason: str = "", now: datetime) -> Switch:
    """Agree to the release that another person has asked for, and release the switch.

    Raises approvals.UnableToApprove.
    """
    with transaction.atomic():
        approval = approvals.approve(approval_id, by=by, reason=reason, now=now)
        return carry_out_release(approval, by=by, now=now)


def carry_out_release(approval: Approval, *, by: User, now: datetime) -> Switch:
    """Release the switch of an approval that was given, in the transaction that gave it."""
    switch = Switch.objects.select_for_update(no_key=True).get(pk=approval.content["switch"])
    if switch.released_at is None:
        switch.released_at = now
        switch.released_by = f"operator:{approval.asked_by_id} and operator:{by.pk}"
        history.because(switch, approval.reason)
        switch.save(update_fields=["released_at", "released_by"])
        withheld.lift(switch.pk, now=now)
        log.warning("switch_released", switch=str(switch.pk), by=switch.released_by)
    return switch
