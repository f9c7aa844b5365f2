"""Exact numbers as people at operations read them."""

from __future__ import annotations

from datetime import timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from django import template

from trading.operations.landing import lines

register = template.Library()

WHOLE: Final = Decimal(1)
CENT: Final = Decimal("0.01")
TENTH: Final = Decimal("0.1")


@register.filter
def usd(amount: Decimal | None) -> str:
    """Return whole dollars with a true minus sign; a dash for nothing known."""
    if amount is None:
        return "–"
    return _signed(f"{amount.quantize(WHOLE, ROUND_HALF_EVEN):,}")


@register.filter
def cents(amount: Decimal | None) -> str:
    """Return dollars and cents with a true minus sign; a dash for nothing known."""
    return "–" if amount is None else _signed(f"{amount.quantize(CENT, ROUND_HALF_EVEN):,}")


@register.filter
def gain(amount: Decimal | None) -> str:
    """Return dollars and cents with their sign."""
    return f"+{cents(amount)}" if amount is not None and amount > 0 else cents(amount)


@register.filter
def percent(share: Decimal | None) -> str:
    """Return a share (0.125) in percent with one decimal."""
    if share is None:
        return "–"
    return _signed(f"{(share * 100).quantize(TENTH, ROUND_HALF_EVEN):,}") + " %"


@register.filter
def age(span: timedelta) -> str:
    """Return a span of time in one unit, such as "12 min"."""
    return lines.spoken(span)


@register.filter
def quantity(amount: Decimal | int) -> str:
    """Return a quantity without trailing zeros."""
    text = f"{amount:,f}"
    return _signed(text.rstrip("0").rstrip(".") if "." in text else text)


def _signed(text: str) -> str:
    if text in ("-0", "-0.0", "-0.00"):
        return text[1:]
    return text.replace("-", "\N{MINUS SIGN}")
