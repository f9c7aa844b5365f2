"""What every signed-in page begins with: whose account it is and what that is worth now."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest
from django.utils import timezone

from accounts import selectors as accounts
from accounts.sessions.sign_ins import SignedIn
from portfolio import selectors as portfolio
from risk.margin import calls
from trading.api import accounts_now


def signed_in(request: HttpRequest) -> SignedIn:
    """Return who is signed in: the gate has seen to it before any view is reached."""
    found: SignedIn = request.signed_in  # type: ignore[attr-defined]
    return found


def account_id(request: HttpRequest) -> UUID:
    """Return the account that the request is about. Raises Http404 for who trades in none."""
    found = signed_in(request).account_id
    if found is None:
        raise Http404
    return found


def context(of: UUID, *, page: str) -> dict[str, Any]:
    """Return the context that templates/workspace.html needs, `page` being the menu's entry.

    The sequence is read before the snapshot: what happens between the two is then told again
    over the socket, and never missed.
    """
    account = accounts.account(of)
    if account is None:
        raise Http404
    snapshot = portfolio.snapshot(of, now=timezone.now())
    return {
        "page": page,
        "is_pending": account.status == account.Status.PENDING,
        "position_count": len(snapshot.positions),
        "calls": list(calls.unmet().filter(account_id=of).values_list("pk", flat=True)),
        "account_now": {
            "account": accounts_now.shown([snapshot], now=snapshot.at)[of],
            "sequence": account.activity_sequence,
        },
    }
