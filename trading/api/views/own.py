"""What only our own pages call: charts, the activity log, demo money."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.conf import settings
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import activity
from foundation import decimals
from marketdata import calendars
from marketdata.current.present import present
from marketdata.history.adjusting import Adjustment
from reconciliation.proof import liabilities, sealing
from trading import demo
from trading.api import errors, queries, wire, wire_data
from trading.api.scopes import reads
from trading.api.views.base import Call, account_of, fields, instrument_named
from trading.api.views.data import timeframe_of

CHART_BARS: Final = 500
CHART_BARS_MAX: Final = 5000
CHART_SPAN: Final = timedelta(days=3660)
ACTIVITIES: Final = 100
KEY_LENGTH_MAX: Final = 100


class ChartBars(Call):
    """The bars of one symbol for a chart, oldest first: without `start`, the latest ones.

    They are on the terms of today's shares, so that a split is no fall.
    """

    def get(self, request: Request) -> Response:
        query = request.query_params
        name = queries.text(query, "symbol") or ""
        instrument = present.instruments([name]).get(name) or instrument_named(name)
        if instrument is None:
            raise errors.not_found("The symbol")
        timeframe, now = timeframe_of(query), self.origin.received_at
        start, end = queries.moment(query, "start"), queries.moment(query, "end") or now
        bars = present.bars(
            instrument,
            timeframe,
            start=start or calendars.midnight(calendars.date_of(end)) - CHART_SPAN,
            end=end,
            now=now,
            limit=queries.whole(query, "limit", default=CHART_BARS, most=CHART_BARS_MAX),
            is_ascending=start is not None,
            adjustment=Adjustment.SPLIT,
        )
        shown = [wire_data.bar(bar) for bar in (bars if start is not None else reversed(bars))]
        return Response({"symbol": instrument.symbol, "timeframe": timeframe, "bars": shown})


class ActivityLog(Call):
    """The account's activity log, oldest first: what came after `since`, else the latest."""

    def get(self, request: Request) -> Response:
        query = request.query_params
        limit = queries.whole(query, "limit", default=ACTIVITIES, most=activity.PAGE_MAX)
        since = queries.whole(query, "since", default=-1, least=0, most=999_999_999)
        if since < 0:
            account = account_of(self)
            since = max(account.activity_sequence - limit, 0)
        return Response(
            [
                {
                    "sequence": entry.sequence,
                    "kind": entry.kind,
                    "at": wire.timestamp(entry.at),
                    "actor": entry.actor,
                    "payload": entry.payload,
                }
                for entry in activity.since(self.origin.account_id, since, limit)
            ]
        )


class ProofOfLiabilities(Call):
    """The proof that what the account is owed is in the totals of the latest seal."""

    @reads
    def get(self, request: Request) -> Response:
        self.take_only(request)
        seal = sealing.latest()
        if seal is None:
            raise errors.ApiError(404, "No day was sealed yet.", reason="not_found")
        return Response(liabilities.proof(account_id=self.origin.account_id, seal=seal))


class DemoDeposit(Call):
    """Simulated money, in the demo shape alone. The same `key` is booked once."""

    def post(self, request: Request) -> Response:
        if not settings.DEMO:
            raise errors.ApiError(404, "There is no simulated money here.", reason="not_found")
        key = fields(request, {"key"}).get("key")
        if not isinstance(key, str) or not 8 <= len(key) <= KEY_LENGTH_MAX:
            raise errors.invalid(
                f"key must be a text of 8 to {KEY_LENGTH_MAX} characters, new for each deposit."
            )
        try:
            is_new = demo.deposit(
                account_id=self.origin.account_id,
                key=key,
                actor=str(self.origin.actor),
                now=self.origin.received_at,
            )
        except demo.EnoughForToday as error:
            raise errors.ApiError(403, str(error), reason="deposit_limit") from None
        return Response({"amount": decimals.text(demo.AMOUNT), "repeat": not is_new})
