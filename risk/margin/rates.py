"""Our schedule of margin rates: read at most once a second, changed by people, loosened by two."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Max, Q

from accounts import approvals
from accounts.models import Approval, User
from foundation import decimals
from foundation.reading import Reading
from marketdata import calendars
from marketdata.models import Instrument
from risk.margin.models import MarginRate
from risk.margin.requirements import IN_FULL, LONG_MIN, REG_T, SHORT_MIN, Rates

APPROVAL: Final = "risk.margin_rate"
AGE_SECONDS_MAX: Final = 1.0
SHORT_MAX: Final = Decimal(3)

Target = tuple[UUID | None, str]
"""What a row is for: an instrument, an asset class, or, with neither, everything."""


class UnableToSetRate(ValueError):
    """The rates are out of bounds, or lie in the past; the message says which."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """The schedule as it stands on a day. Pure."""

    rows: Mapping[Target, Rates]

    def rates(self, instrument_id: UUID, asset_class: str, *, is_marginable: bool = True) -> Rates:
        """Return the narrowest row's rates; nothing is lent on what is not marginable."""
        if not is_marginable:
            return IN_FULL
        for target in ((instrument_id, ""), (None, asset_class), (None, "")):
            if target in self.rows:
                return self.rows[target]
        return Rates()

    def of(self, instrument: Instrument) -> Rates:
        return self.rates(
            instrument.pk, instrument.asset_class, is_marginable=instrument.marginable
        )


def schedule_of(table: Iterable[MarginRate]) -> Schedule:
    """Return what these rows say, the oldest of them first."""
    return Schedule(
        {
            (row.instrument_id, row.asset_class): Rates(
                initial=row.initial, long=row.maintenance_long, short=row.maintenance_short
            )
            for row in table
        }
    )


def schedule() -> Schedule:
    """Return the schedule as it stood at most a second ago."""
    return _schedule.latest()


def forget() -> None:
    """Read the schedule anew the next time: for whoever has just changed it."""
    _schedule.forget()


def _read() -> Schedule:
    today = calendars.date_of(datetime.now(calendars.NEW_YORK))
    return schedule_of(MarginRate.objects.filter(since__lte=today).order_by("since", "pk"))


_schedule: Final = Reading(_read, age_seconds_max=AGE_SECONDS_MAX)


def propose(
    *,
    instrument: Instrument | None,
    asset_class: str = "",
    rates: Rates,
    since: date,
    reason: str,
    by: User,
    now: datetime,
) -> MarginRate | Approval:
    """Set rates from a day on; what asks for less than would hold waits for another's agreement.

    Compared is every day from `since` on, with what is to come and with the class's rates, or
    those of everything, that these go before.

    Returns the row, or the approval that waits. Raises UnableToSetRate and UnableToApprove.
    """
    check(rates, since=since, instrument=instrument, asset_class=asset_class, now=now)
    content: dict[str, Any] = {
        "instrument": None if instrument is None else str(instrument.pk),
        "asset_class": asset_class,
        "since": since.isoformat(),
        "initial": decimals.text(rates.initial),
        "long": decimals.text(rates.long),
        "short": decimals.text(rates.short),
    }
    with transaction.atomic():
        _one_by_one()
        content["latest_row"] = _latest(instrument, asset_class)
        if _is_looser(instrument, asset_class, rates, since=since):
            return approvals.ask(
                kind=APPROVAL,
                subject=instrument.symbol if instrument else asset_class or "everything",
                content=content,
                reason=reason,
                by=by,
                now=now,
            )
        return _write(content, reason=reason, by=by, now=now)


def approve(approval_id: UUID, *, by: User, reason: str = "", now: datetime) -> MarginRate:
    """Agree to what another person has proposed, and set it.

    It takes the place of rates as whoever asked has seen them, and of no later ones. Raises
    UnableToApprove, and UnableToSetRate when they have changed since.
    """
    with transaction.atomic():
        approval = approvals.approve(approval_id, by=by, reason=reason, now=now)
        if approval.kind != APPROVAL:
            raise approvals.UnableToApprove("That is not about a margin rate.")
        content = approval.content
        instrument = content["instrument"] and Instrument.objects.get(pk=content["instrument"])
        _one_by_one()
        if _latest(instrument or None, content["asset_class"]) != content.get("latest_row"):
            raise UnableToSetRate("These rates were changed since this was asked for: ask again.")
        return _write(content, reason=approval.reason, by=approval.asked_by, now=now)


def _is_looser(
    instrument: Instrument | None, asset_class: str, rates: Rates, *, since: date
) -> bool:
    """Tell whether less would be asked for with these rates than without them, on any day."""
    rows = list(MarginRate.objects.order_by("since", "pk"))
    mine: Target = (instrument.pk if instrument else None, asset_class)
    for day in sorted({since, *(row.since for row in rows if row.since > since)}):
        in_force = [row for row in rows if row.since <= day]
        if any(
            row.since > since and (row.instrument_id, row.asset_class) == mine for row in in_force
        ):
            break  # a later row takes their place
        before = _rates_of(schedule_of(in_force), instrument, asset_class)
        if rates.initial < before.initial or rates.long < before.long or rates.short < before.short:
            return True
    return False


def _rates_of(schedule: Schedule, instrument: Instrument | None, asset_class: str) -> Rates:
    if instrument is not None:
        return schedule.rates(instrument.pk, instrument.asset_class)
    rows = schedule.rows
    return rows.get((None, asset_class)) or rows.get((None, "")) or Rates()


def _latest(instrument: Instrument | None, asset_class: str) -> int:
    """Return the number of the latest row of what these rates are for, or of what they hide.

    Those of an instrument hide those of its class, and both those of everything.
    """
    of_all = Q(instrument=None, asset_class="")
    if instrument is not None:
        concerned = of_all | Q(instrument=instrument) | Q(asset_class=instrument.asset_class)
    else:
        concerned = of_all | Q(asset_class=asset_class)
    latest: int | None = MarginRate.objects.filter(concerned).aggregate(pk=Max("pk"))["pk"]
    return latest or 0


def _one_by_one() -> None:
    """Let whoever sets rates wait for the other, until the end of the transaction.

    Else each of two would compare with what the other is about to replace.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [APPROVAL])


def check(
    rates: Rates,
    *,
    since: date,
    instrument: Instrument | None,
    asset_class: str,
    now: datetime,
) -> None:
    """Make sure that these rates may be set. Raises UnableToSetRate."""
    if instrument is not None and asset_class:
        raise UnableToSetRate("Rates are for an instrument or for a class, not for both.")
    if since < calendars.date_of(now):
        raise UnableToSetRate("What was in force stays: give today or a day to come.")
    for rate, least, most in (
        (rates.initial, REG_T, Decimal(1)),
        (rates.long, LONG_MIN, Decimal(1)),
        (rates.short, SHORT_MIN, SHORT_MAX),
    ):
        if not least <= rate <= most:
            raise UnableToSetRate(
                f"{decimals.text(rate)} is not between {decimals.text(least)} and "
                f"{decimals.text(most)}, which rules and reason allow."
            )


def _write(content: dict[str, Any], *, reason: str, by: User, now: datetime) -> MarginRate:
    row = MarginRate.objects.create(
        instrument_id=content["instrument"],
        asset_class=content["asset_class"],
        since=date.fromisoformat(content["since"]),
        initial=Decimal(content["initial"]),
        maintenance_long=Decimal(content["long"]),
        maintenance_short=Decimal(content["short"]),
        reason=reason[:200],
        made_by=by,
        made_at=now,
    )
    forget()
    return row
