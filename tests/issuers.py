"""Issuers that announce corporate actions, and the two people who take them in."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from decimal import Decimal

from django.utils import timezone

from accounts.models import User
from marketdata import calendars
from marketdata.models import Instrument
from portfolio.actions import services as corporate_actions
from portfolio.actions.announcements import Announced
from portfolio.actions.services import Due

D = Decimal


def person(name: str = "somebody") -> User:
    return User.objects.create_user(f"{name}-{uuid.uuid4().hex[:8]}@example.com", is_staff=True)


def today() -> date:
    return calendars.date_of(timezone.now())


def said(instrument: Instrument, kind: str, **terms: object) -> Announced:
    """Return an announcement for today."""
    return Announced(
        **{
            "reference": f"{instrument.symbol} {kind} {uuid.uuid4().hex[:6]}",
            "kind": kind,
            "instrument": instrument.code,
            "ex_date": today(),
            "source": "a newspaper",
            **terms,
        }  # type: ignore[arg-type]
    )


def due(announced: Announced, *, at: datetime | None = None) -> Due:
    """Have it announced by one person and approved by another; it is due `at` (now)."""
    now = timezone.now()
    action = corporate_actions.announce(announced, by=person("ann"), now=now)
    corporate_actions.approve(action.pk, by=person("bob"), reason="Read it", now=now)
    return corporate_actions.due(announced.reference, now=at or now)


def split(instrument: Instrument, new: int, old: int, price: str = "25", **more: object) -> Due:
    terms = {"new_shares": new, "old_shares": old, "price": D(price), **more}
    return due(said(instrument, "split", **terms))


def dividend(instrument: Instrument, amount: str, **more: object) -> Due:
    return due(said(instrument, "cash_dividend", cash=D(amount), **more))
