"""The page of one customer: who it is, how the account stands, and a table for each subject.

Every subject is shown to those alone who may see its list, and ends at `tables.ROWS_MAX` rows with
the way to all of them. The number of queries does not depend on how much there is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts.customers.models import Profile
from accounts.models import Account
from accounts.oversight import belonging
from portfolio import selectors as portfolio
from risk.margin.models import MarginStatus
from trading.operations.customer import access, holdings, looked_after, money, notes
from trading.operations.customer.tables import Table
from trading.operations.customer.ways import listing
from trading.operations.framed import enter, framed
from trading.operations.viewing import shows

VIEW: Final = "accounts.view_account"


@dataclass(frozen=True, slots=True)
class Customer:
    """An account with what it owns at a moment."""

    account: Account
    owned: portfolio.Snapshot
    at: datetime


Made = Callable[[Customer], Table]

# Each with the permission of the list that it is the beginning of.
TABLES: Final[tuple[tuple[str, Made], ...]] = (
    ("risk.view_switch", lambda of: looked_after.switches(of.account)),
    ("risk.view_alert", lambda of: looked_after.alerts(of.account)),
    ("accounts.view_approval", lambda of: looked_after.asked(of.account, of.at)),
    ("reconciliation.view_break", lambda of: looked_after.breaks(of.account)),
    ("reconciliation.view_legalhold", lambda of: looked_after.legal_holds(of.account)),
    ("portfolio.view_position", lambda of: holdings.positions(of.account, of.owned)),
    ("orders.view_order", lambda of: holdings.open_orders(of.account)),
    ("orders.view_order", lambda of: holdings.latest_orders(of.account)),
    ("portfolio.view_hold", lambda of: holdings.holds(of.account)),
    ("portfolio.view_funding", lambda of: money.fundings(of.account)),
    ("portfolio.view_payee", lambda of: money.payees(of.account, of.at)),
    ("risk.view_margincall", lambda of: money.margin_calls(of.account)),
    ("reconciliation.view_statement", lambda of: money.statements(of.account)),
    ("accounts.view_signin", lambda of: access.sign_ins(of.account)),
    ("accounts.view_securityevent", lambda of: access.security_log(of.account)),
    ("accounts.view_apikey", lambda of: access.keys(of.account)),
    ("accounts.view_activity", lambda of: access.activity(of.account)),
    ("accounts.view_viewing", lambda of: access.viewings(of.account)),
)


@require_GET
def page(request: HttpRequest, account_id: UUID) -> HttpResponse:
    """Show an account and everything about it that the member of staff may see."""
    enter(request, VIEW)
    account = get_object_or_404(Account.objects.select_related("user"), pk=account_id)
    shows(request, belonging.of_accounts([account.pk]))
    now, may = timezone.now(), request.user.has_perm
    of = Customer(account, portfolio.snapshot(account.pk, now=now), now)
    return framed(
        request,
        "operations/customer.html",
        title=f"Account {account.number}",
        account=account,
        at=now,
        facts=list(_facts(account, may_see_profile=may("accounts.view_profile"))),
        worth=of.owned if may("portfolio.view_balance") else None,
        **(_notes(account, may_note=may(notes.WRITE)) if may(notes.VIEW) else {}),
        margin=_margin(account) if may("risk.view_marginstatus") else None,
        tables=[made(of) for permission, made in TABLES if may(permission)],
    )


def _notes(account: Account, *, may_note: bool) -> dict[str, Any]:
    """Return what staff has noted, and the form for more."""
    return {
        "may_see_notes": True,
        "notes": notes.latest(account),
        "all_notes": listing("accounts_accountnote", account.number),
        "may_note": may_note,
        "note_form": notes.NoteForm(),
    }


def _facts(account: Account, *, may_see_profile: bool) -> Iterator[tuple[str, str]]:
    """Return who it is and what the account is, as names and values."""
    user = account.user
    yield "E-mail", user.email
    yield "Name", user.name
    if may_see_profile and (profile := Profile.objects.filter(user=user).first()) is not None:
        yield "Legal name", profile.legal_name
        yield "Born", profile.born_on.isoformat() if profile.born_on else ""
        lines = (profile.street, profile.postal_code, profile.city, profile.region, profile.country)
        yield "Address", ", ".join(each for each in lines if each)
        yield "Tax number", f"ends in {profile.tax_id_end}" if profile.tax_id_end else ""
        yield (
            "Works as",
            " at ".join(each for each in (profile.employment, profile.employer) if each),
        )
    yield "Joined", f"{user.joined_at:%Y-%m-%d}"
    yield "Opened", f"{account.opened_at:%Y-%m-%d}"
    yield "State", account.get_status_display()
    yield "Why", account.status_reason
    yield "Kind", "margin" if account.margin else "cash"
    yield "Tier", account.tier
    yield "Sells first", account.get_lot_method_display()


def _margin(account: Account) -> MarginStatus | None:
    return MarginStatus.objects.filter(account=account).first() if account.margin else None
