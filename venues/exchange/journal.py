"""How the journal writes commands down: each as a letter and its plain values. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple
from datetime import date
from decimal import Decimal
from typing import Any, Final

from marketdata.calendars import Phase
from venues import messages
from venues.exchange.commands import (
    Admit,
    BandTerms,
    Bust,
    BustedFill,
    CloseSession,
    CoarseSteps,
    Command,
    Enter,
    Halt,
    MassQuote,
    OpenSession,
    Take,
    Wake,
)
from venues.messages import SelfTradePrevention


def encode(commands: Sequence[Command]) -> str:
    """Return the commands as compact JSON; `decode` gives back equal ones."""
    plain = [_WRITERS[type(command)](command) for command in commands]
    return json.dumps(plain, separators=(",", ":"))


def decode(text: str) -> list[Command]:
    """Return the commands that `encode` wrote. Raises ValueError for anything else."""
    return [_read(*plain) for plain in json.loads(text)]


def _read(letter: str, *values: Any) -> Command:
    reader = _READERS.get(letter)
    if reader is None:
        raise ValueError(f"the journal holds a command that is unknown here: {letter!r} {values!r}")
    return reader(*values)


# --- Writing ------------------------------------------------------------------------------------


def _enter(command: Enter) -> list[Any]:
    member, request = command.member, command.request
    match request:
        case messages.CancelOrder():
            return ["C", member, request.request_id, request.client_order_id]
        case messages.ReplaceOrder():
            names = request.client_order_id, request.new_client_order_id
            return ["R", member, *names, str(request.quantity), _text(request.limit_price)]
        case messages.NewOrder():
            return ["N", member, *_plain_order(request)]


def _plain_order(order: messages.NewOrder) -> list[Any]:
    """Return the order's plain values; what few orders ask for is only there when one does."""
    plain: list[Any] = [
        *(order.client_order_id, order.symbol, order.side, str(order.quantity)),
        *(order.type, order.time_in_force, _text(order.limit_price)),
    ]
    prevention = order.self_trade_prevention
    wishes = {
        "post_only": order.is_post_only,
        "display": _text(order.display_quantity),
        "cash": _text(order.cash_max),
        "extended": order.extended_hours,
        "party": order.party,
        "self_trade": "" if prevention is SelfTradePrevention.CANCEL_NEWEST else prevention,
    }
    wished = {name: value for name, value in wishes.items() if value}
    return [*plain, wished] if wished else plain


def _admit(terms: Admit) -> list[Any]:
    bands = terms.bands
    numbers = str(terms.tick), str(terms.lot), str(terms.quantity_min)
    plain: list[Any] = ["A", terms.symbol, *numbers, terms.calendar]
    if bands:
        plain += [str(bands.percent), *astuple(bands)[1:]]
    coarse = terms.coarse
    return [*plain, {"coarse": [str(coarse.step), str(coarse.start)]}] if coarse else plain


def _opening(opened: OpenSession) -> list[Any]:
    day = opened.date.isoformat()
    return ["O", opened.calendar, day, opened.phase, opened.has_auction]


def _bust(bust: Bust) -> list[Any]:
    sides = [[*astuple(side)[:-1], str(side.cumulative_quantity)] for side in bust.sides]
    return ["B", bust.number, bust.symbol, str(bust.quantity), str(bust.price), sides]


_WRITERS: Final[Mapping[type, Callable[[Any], list[Any]]]] = {
    MassQuote: lambda q: ["Q", q.participant, q.symbol, _flat(q.bids), _flat(q.asks)],
    Take: lambda take: ["T", *astuple(take)],
    Enter: _enter,
    Admit: _admit,
    Halt: lambda halt: ["H", *astuple(halt)],
    OpenSession: _opening,
    CloseSession: lambda closed: ["X", *astuple(closed)],
    Wake: lambda _: ["W"],
    Bust: _bust,
}


# --- Reading ------------------------------------------------------------------------------------


def _mass_quote(participant: str, symbol: str, bids: Any, asks: Any) -> MassQuote:
    return MassQuote(participant, symbol, _pairs(bids), _pairs(asks))


def _new_order(member: str, *plain: Any) -> Enter:
    client_order_id, symbol, side, quantity, type_, time_in_force, limit, *rest = plain
    wished: dict[str, Any] = rest[0] if rest else {}
    order = messages.NewOrder(
        client_order_id=client_order_id,
        symbol=symbol,
        side=messages.Side(side),
        quantity=Decimal(quantity),
        type=messages.OrderType(type_),
        time_in_force=messages.TimeInForce(time_in_force),
        limit_price=_decimal(limit),
        is_post_only=wished.get("post_only", False),
        display_quantity=_decimal(wished.get("display")),
        cash_max=_decimal(wished.get("cash")),
        extended_hours=wished.get("extended", False),
        party=wished.get("party", ""),
        self_trade_prevention=SelfTradePrevention(
            wished.get("self_trade", SelfTradePrevention.CANCEL_NEWEST)
        ),
    )
    return Enter(member, order)


def _cancel(member: str, request_id: str, client_order_id: str) -> Enter:
    return Enter(member, messages.CancelOrder(request_id, client_order_id))


def _replace(member: str, old: str, new: str, quantity: str, limit: str | None) -> Enter:
    return Enter(member, messages.ReplaceOrder(old, new, Decimal(quantity), _decimal(limit)))


def _terms(symbol: str, tick: str, lot: str, quantity_min: str, calendar: str, *rest: Any) -> Admit:
    numbers = Decimal(tick), Decimal(lot), Decimal(quantity_min)
    bands, coarse = list(rest), None
    if rest and isinstance(rest[-1], dict):
        *bands, wished = rest
        coarse = CoarseSteps(*map(Decimal, wished["coarse"]))
    band_terms = BandTerms(Decimal(bands[0]), *bands[1:]) if bands else None
    return Admit(symbol, *numbers, calendar, band_terms, coarse)


def _opened(
    calendar: str, day: str, phase: str = Phase.REGULAR, has_auction: bool = True
) -> OpenSession:
    return OpenSession(calendar, date.fromisoformat(day), Phase(phase), has_auction)


def _bust_of(number: int, symbol: str, quantity: str, price: str, sides: Any) -> Bust:
    busted = tuple(_busted_fill(*side) for side in sides)
    return Bust(number, symbol, Decimal(quantity), Decimal(price), busted)


def _busted_fill(
    member: str, client_order_id: str, number: str, execution_id: str, side: str, executed: str
) -> BustedFill:
    ids = client_order_id, number, execution_id
    return BustedFill(member, *ids, messages.Side(side), Decimal(executed))


_READERS: Final[Mapping[str, Callable[..., Command]]] = {
    "Q": _mass_quote,
    "T": Take,
    "N": _new_order,
    "C": _cancel,
    "R": _replace,
    "A": _terms,
    "H": Halt,
    "O": _opened,
    "X": CloseSession,
    "W": Wake,
    "B": _bust_of,
}


def _text(number: Decimal | None) -> str | None:
    return None if number is None else str(number)


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _flat(rungs: Sequence[tuple[int, int]] | None) -> list[int] | None:
    """Write rungs as one list: most of the journal is mass quotes, and this halves them."""
    return None if rungs is None else [number for rung in rungs for number in rung]


def _pairs(numbers: list[int] | None) -> tuple[tuple[int, int], ...] | None:
    return None if numbers is None else tuple(zip(numbers[::2], numbers[1::2], strict=True))
