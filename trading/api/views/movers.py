"""What moves and what is traded most: the compatible calls, and our own screener."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from rest_framework.request import Request
from rest_framework.response import Response

from foundation import decimals
from marketdata.current import movers
from marketdata.current.movers import Mover, Rank, Wanted
from marketdata.models import Instrument
from trading.api import errors, queries, wire
from trading.api.scopes import reads
from trading.api.views.base import Call

TOP, TOP_MAX = 10, 50
SCREENED, SCREENED_MAX = 50, 500
OFFSET_MAX: Final = 20_000
_CLASSES: Final = {
    "stocks": Instrument.AssetClass.US_EQUITY,
    "crypto": Instrument.AssetClass.CRYPTO,
}
_PERCENT_QUANTUM: Final = Decimal("0.01")


class MarketMovers(Call):
    """Those that rose and those that fell most today, in percent."""

    @reads
    def get(self, request: Request, market: str) -> Response:
        asset_class = _CLASSES.get(market)
        if asset_class is None:
            raise errors.not_found("The market")
        top = queries.whole(request.query_params, "top", default=TOP, most=TOP_MAX)
        now = self.origin.received_at
        gainers, losers = (
            movers.movers(Wanted(Rank.CHANGE, is_rise, top, asset_class=asset_class), now=now)
            for is_rise in (True, False)
        )
        return Response(
            {
                "gainers": [_moved(each) for each in gainers if each.change > 0],
                "losers": [_moved(each) for each in losers if each.change < 0],
                "market_type": market,
                "last_updated": wire.timestamp(now),
            }
        )


class MostActives(Call):
    """The stocks that are traded most today, by volume or by the number of trades."""

    @reads
    def get(self, request: Request) -> Response:
        query = request.query_params
        by = queries.choice(query, "by", ("volume", "trades"), default="volume")
        top = queries.whole(query, "top", default=TOP, most=100)
        now = self.origin.received_at
        wanted = Wanted(Rank(by), limit=top, asset_class=Instrument.AssetClass.US_EQUITY)
        return Response(
            {
                "most_actives": [
                    {
                        "symbol": each.symbol,
                        "volume": wire.number(each.volume),
                        "trade_count": each.trades,
                    }
                    for each in movers.movers(wanted, now=now)
                ],
                "last_updated": wire.timestamp(now),
            }
        )


class Screener(Call):
    """Instruments by their day: those within the bounds that are given, in the order asked for."""

    @reads
    def get(self, request: Request) -> Response:
        query = request.query_params
        bounds = (
            "price_min", "price_max", "change_min", "change_max", "volume_min", "turnover_min",
        )  # fmt: skip
        self.take_only(request, "asset_class", "sector", "by", "order", "limit", "offset", *bounds)
        classes = [each.value for each in Instrument.AssetClass]
        asset_class = queries.choice(query, "asset_class", ("all", *classes), default="all")
        by = queries.choice(query, "by", [each.value for each in Rank], default=Rank.CHANGE)
        order = queries.choice(query, "order", ("asc", "desc"), default="desc")
        wanted = Wanted(
            rank=Rank(by),
            is_descending=order == "desc",
            limit=queries.whole(query, "limit", default=SCREENED, most=SCREENED_MAX),
            offset=queries.whole(query, "offset", default=0, least=0, most=OFFSET_MAX),
            asset_class=None if asset_class == "all" else asset_class,
            sector=queries.text(query, "sector"),
            **{name: _amount(query, name) for name in bounds},
        )
        now = self.origin.received_at
        found = movers.movers(wanted, now=now)
        return Response(
            {"instruments": [_screened(each) for each in found], "at": wire.timestamp(now)}
        )


def _amount(query: queries.Query, name: str) -> Decimal | None:
    value = queries.text(query, name)
    try:
        return None if value is None else decimals.parse(value)
    except decimals.InvalidDecimal:
        raise errors.invalid(f"{name} must be a plain decimal number, such as 12.50.") from None


def _moved(mover: Mover) -> wire.Json:
    return {
        "symbol": mover.symbol,
        "percent_change": round(float(mover.change_percent), 2),
        "change": wire.number(mover.change),
        "price": wire.number(mover.price),
    }


def _screened(mover: Mover) -> wire.Json:
    return {
        "symbol": mover.symbol,
        "name": mover.name,
        "asset_class": mover.asset_class,
        "sector": mover.sector,
        "price": decimals.text(mover.price),
        "change": decimals.text(mover.change),
        "change_percent": _percent(mover.change_percent),
        "high": decimals.text(mover.high),
        "low": decimals.text(mover.low),
        "range_percent": _percent(mover.range_percent),
        "volume": decimals.text(mover.volume),
        "turnover": decimals.text(mover.turnover),
        "trades": mover.trades,
        "at": wire.timestamp(mover.at),
        "stale": mover.is_stale,
    }


def _percent(value: Decimal) -> str:
    return decimals.text(value.quantize(_PERCENT_QUANTUM, rounding=decimals.NEAREST))
