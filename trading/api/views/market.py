"""What is traded here and when."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.conf import settings
from rest_framework.request import Request
from rest_framework.response import Response

from marketdata import calendars
from marketdata.calendars import date_of
from marketdata.models import Instrument
from portfolio.settlement import settlement_date
from risk.margin import rates as margin_rates
from trading.api import errors, queries, wire
from trading.api.scopes import reads
from trading.api.views.base import Call, instrument_named

CALENDAR_DAYS: Final = 30
CALENDAR_DAYS_MAX: Final = 3660


class Assets(Call):
    """What is traded here."""

    @reads
    def get(self, request: Request) -> Response:
        query = request.query_params
        status = queries.choice(query, "status", ("active", "inactive", "all"), default="all")
        asset_class = queries.text(query, "asset_class")
        exchange = queries.text(query, "exchange")
        found = Instrument.objects.all()
        if status != "all":
            found = found.filter(tradable=status == "active")
        if asset_class is not None:
            found = found.filter(asset_class=asset_class)
        schedule = margin_rates.schedule()
        assets = [wire.asset(instrument, schedule.of(instrument)) for instrument in found]
        if exchange is not None:
            assets = [asset for asset in assets if asset["exchange"] == exchange.upper()]
        if attributes := set(filter(None, (queries.text(query, "attributes") or "").split(","))):
            assets = [asset for asset in assets if attributes & set(asset["attributes"])]
        return Response(assets)


class AssetOf(Call):
    """One instrument, by symbol or id."""

    @reads
    def get(self, request: Request, name: str) -> Response:
        instrument = instrument_named(name)
        if instrument is None:
            raise errors.not_found("The asset")
        return Response(wire.asset(instrument, margin_rates.schedule().of(instrument)))


class Clock(Call):
    """Whether the market is open, and when it opens and closes next."""

    @reads
    def get(self, request: Request) -> Response:
        calendar, now = settings.MARKET_HOURS, self.origin.received_at
        return Response(
            wire.clock(
                at=now,
                is_open=calendars.is_open(calendar, now),
                next_open=calendars.next_open(calendar, now),
                next_close=calendars.next_close(calendar, now),
            )
        )


class Calendar(Call):
    """The sessions from `start` to `end`: without both, the thirty days from today."""

    @reads
    def get(self, request: Request) -> Response:
        first = queries.day(request.query_params, "start")
        last = queries.day(request.query_params, "end")
        first = first or date_of(self.origin.received_at)
        last = last or first + timedelta(days=CALENDAR_DAYS)
        if not 1990 <= first.year <= last.year <= 2100:
            raise errors.invalid("start and end must be dates from 1990 to 2100, in this order.")
        if (last - first).days > CALENDAR_DAYS_MAX:
            raise errors.invalid(f"At most {CALENDAR_DAYS_MAX} days can be asked for at once.")
        hours = settings.MARKET_HOURS
        return Response([
            wire.calendar_day(session, settles=settlement_date(hours, session.date))
            for session in calendars.sessions(hours, first=first, last=last)
        ])  # fmt: skip
