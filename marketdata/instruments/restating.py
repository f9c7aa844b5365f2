"""An instrument on other terms: stopped while a corporate action is carried out, then restated.

Each of these is done once for its note, which names it in the instrument's history: what is tried
again after a failure changes nothing that was done.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from foundation import wakeups
from foundation.history import because
from marketdata import store
from marketdata.models import Instrument, PriceAdjustment, Quote

_QUANTUM: Final = Decimal("0.000000001")
_PRICES: Final = (
    "bid",
    "ask",
    "last",
    "day_open",
    "day_high",
    "day_low",
    "previous_close",
)
_SIZES: Final = ("bid_size", "ask_size", "last_size", "day_volume")


class UnableToRename(ValueError):
    """The symbol is another instrument's."""


@transaction.atomic
def halt(instrument_id: UUID, note: str, *, now: datetime) -> datetime:
    """Stop trading in the instrument for a while; return since when it is stopped for this.

    One that was halted for another reason stays halted afterwards.
    """
    instrument = _locked(instrument_id)
    done_at = _noted_at(instrument, note)
    if done_at is not None:
        return done_at
    if instrument.halted:
        since: datetime = Instrument.history.filter(id=instrument.pk).latest().history_date
        return since
    instrument.halted = True
    _save(instrument, note, now)
    return now


@transaction.atomic
def resume(instrument_id: UUID, note: str, *, halted_by: str, now: datetime) -> datetime | None:
    """Let it trade again if `halted_by` is the note of the halt that stopped it.

    Returns since when it does, None if it was not stopped by that.
    """
    instrument = _locked(instrument_id)
    done_at = _noted_at(instrument, note)
    if done_at is not None or _noted_at(instrument, halted_by) is None:
        return done_at
    instrument.halted = False
    _save(instrument, note, now)
    return now


@transaction.atomic
def restate(instrument_id: UUID, note: str, *, new: int, old: int, now: datetime) -> None:
    """Bring its prices to the terms after a split of `new` shares for `old` ones.

    The latest quote, the figures of its day and the reference price that its bands and the
    simulated market start from. Bars stay as they were traded: `adjust_for_split` is about those.
    """
    store.take_turn()
    instrument = _locked(instrument_id)
    if _noted_at(instrument, note) is not None:
        return
    ratio = Fraction(new, old)
    instrument.reference_price = _divided(instrument.reference_price, ratio)
    _save(instrument, note, now)
    quote = Quote.objects.filter(instrument=instrument).first()
    if quote is None:
        return
    for name in _PRICES:
        price = getattr(quote, name)
        setattr(quote, name, None if price is None else _divided(price, ratio))
    for name in _SIZES:
        setattr(quote, name, _divided(getattr(quote, name), 1 / ratio))
    quote.last_at = None  # nobody has traded at it: it triggers no order of before
    quote.doubted, quote.doubts = None, 0
    store.write_quotes([quote], news={instrument.pk})
    wakeups.send(wakeups.Channel.QUOTES)


def adjust_for_split(instrument_id: UUID, note: str, *, ex_date: date, new: int, old: int) -> None:
    """Have bars of before `ex_date` read on the terms of after a split, where that is asked for."""
    _adjust(instrument_id, note, ex_date, PriceAdjustment.Kind.SPLIT, new=new, old=old)


def adjust_for_dividend(instrument_id: UUID, note: str, *, ex_date: date, cash: Decimal) -> None:
    """Have them read less the part that a dividend of `cash` for each share of then was."""
    _adjust(instrument_id, note, ex_date, PriceAdjustment.Kind.DIVIDEND, cash=cash)


def adjust_for_spin_off(instrument_id: UUID, note: str, *, ex_date: date, share: Decimal) -> None:
    """Have them read less the `share` (0 to 1) of the value that went with a spin-off."""
    _adjust(instrument_id, note, ex_date, PriceAdjustment.Kind.SPIN_OFF, share=share)


def _adjust(
    instrument_id: UUID, note: str, ex_date: date, kind: PriceAdjustment.Kind, **terms: Any
) -> None:
    done = PriceAdjustment(
        instrument_id=instrument_id, note=note, ex_date=ex_date, kind=kind, **terms
    )
    PriceAdjustment.objects.bulk_create([done], ignore_conflicts=True)
    wakeups.send(wakeups.Channel.BARS)


@transaction.atomic
def rename(instrument_id: UUID, note: str, *, symbol: str, now: datetime) -> str:
    """Give it another symbol; return the one that it had. Raises UnableToRename."""
    instrument = _locked(instrument_id)
    if _noted_at(instrument, note) is not None:
        return str(instrument.symbol)
    if Instrument.objects.filter(symbol=symbol).exclude(pk=instrument.pk).exists():
        raise UnableToRename(f"{symbol} is another instrument.")
    quote = Quote.objects.filter(instrument=instrument).first()
    former, instrument.symbol = str(instrument.symbol), symbol
    if quote is not None and quote.last is not None:
        # Under its new symbol the simulated market begins anew, from the price that it had.
        instrument.reference_price = quote.last
    _save(instrument, note, now)
    return former


@transaction.atomic
def retire(instrument_id: UUID, note: str, *, now: datetime) -> None:
    """End trading in the instrument for ever: it is another one's now, or nobody's."""
    instrument = _locked(instrument_id)
    if _noted_at(instrument, note) is None:
        instrument.tradable = False
        _save(instrument, note, now)


def _locked(instrument_id: UUID) -> Instrument:
    found: Instrument = Instrument.objects.select_for_update(no_key=True).get(pk=instrument_id)
    return found


def _noted_at(instrument: Instrument, note: str) -> datetime | None:
    history = Instrument.history.filter(id=instrument.pk, history_change_reason=note)
    found: datetime | None = history.values_list("history_date", flat=True).first()
    return found


def _save(instrument: Instrument, note: str, now: datetime) -> None:
    because(instrument, note, at=now)
    instrument.save()


def _divided(value: Decimal, ratio: Fraction) -> Decimal:
    exact = Fraction(value) / ratio
    found = Decimal(exact.numerator) / Decimal(exact.denominator)
    return found.quantize(_QUANTUM, rounding=ROUND_HALF_EVEN)
