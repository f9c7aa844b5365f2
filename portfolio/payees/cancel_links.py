"""Links in letters, by which whoever reads one stops a payee or a payment.

They open nothing and move no money out, so that a customer whose account somebody else has got
into can stop them without signing in.
"""

from __future__ import annotations

from datetime import datetime

from django.conf import settings

from foundation import tokens
from portfolio.funding.models import Funding
from portfolio.payees.models import CancelLink, Payee


def address(*, now: datetime, payee: Payee | None = None, funding: Funding | None = None) -> str:
    """Return a new link that stops this payee or this withdrawal, for a letter."""
    token = tokens.new()
    CancelLink.objects.create(
        token_digest=tokens.digest_of(token), payee=payee, funding=funding, made_at=now
    )
    return f"{settings.PUBLIC_URL}/cancel/{token}"


def find(token: str) -> CancelLink | None:
    """Return the link with this token unless it was used; looking uses nothing up."""
    links = CancelLink.objects.filter(token_digest=tokens.digest_of(token), used_at=None)
    return links.select_related("payee", "funding__payee").first()


def use(token: str, *, now: datetime) -> bool:
    """Use the link up; False if it is unknown or was used.

    To be called in the transaction that does what it asks for: of two at once one waits here,
    and then finds it used.
    """
    links = CancelLink.objects.filter(token_digest=tokens.digest_of(token), used_at=None)
    return links.update(used_at=now) == 1
