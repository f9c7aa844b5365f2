"""A customer's money: deposits and withdrawals, payees, calls for margin, statements."""

from __future__ import annotations

from datetime import datetime

from accounts.models import Account
from portfolio.funding.models import Funding
from portfolio.payees.models import Payee
from reconciliation.statements.models import Statement
from risk.margin.models import MarginCall
from trading.operations.customer.tables import ROWS_MAX, Table, day, number, time, word
from trading.operations.customer.ways import listing, page
from trading.templatetags.figures import cents


def fundings(account: Account) -> Table:
    """Return deposits and withdrawals, the one asked for last first."""
    rows = Funding.objects.filter(account=account).select_related("payee")
    return Table(
        "money",
        "Deposits and withdrawals",
        ("Asked", "What", "#Amount", "#USD", "State", "To", "Reference"),
        [
            (
                time(each.asked_at),
                word(each.direction, link=page("portfolio_funding", each.pk)),
                number(each.text),
                number(cents(each.value)),
                word(each.state),
                word(each.payee or each.bank),
                word(each.reference),
            )
            for each in rows.order_by("-asked_at", "-pk")[:ROWS_MAX]
        ],
        listing("portfolio_funding", account.number),
        "Nothing has come or gone.",
    )


def payees(account: Account, now: datetime) -> Table:
    """Return whom may be paid, those first that are not removed."""
    rows = Payee.objects.filter(account=account).order_by("-removed_at", "-added_at", "-pk")
    return Table(
        "payees",
        "Payees",
        ("Added", "Holder", "Account", "State"),
        [
            (
                time(each.added_at),
                word(each.holder, link=page("portfolio_payee", each.pk)),
                word(each),
                word(_standing(each, now)),
            )
            for each in rows[:ROWS_MAX]
        ],
        listing("portfolio_payee", account.number),
        "No payee.",
    )


def _standing(payee: Payee, now: datetime) -> str:
    if payee.removed_at is not None:
        return f"removed {payee.removed_at:%Y-%m-%d}"
    return f"from {payee.usable_at:%Y-%m-%d %H:%M} on" if payee.waits(now=now) else "may be paid"


def margin_calls(account: Account) -> Table:
    """Return calls for margin with the last note to each."""
    calls = MarginCall.objects.filter(account=account).prefetch_related("notes__by")
    return Table(
        "margin-calls",
        "Margin calls",
        ("Made", "Kind", "#Amount", "Due", "State", "Last note"),
        [
            (
                time(each.made_at),
                word(each.get_kind_display(), link=page("risk_margincall", each.pk)),
                number(cents(each.amount), bad=each.status != MarginCall.Status.MET),
                time(each.due_at),
                word(each.get_status_display()),
                word(_last_note(each)),
            )
            for each in calls.order_by("-pk")[:ROWS_MAX]
        ],
        listing("risk_margincall", account.number),
        "Never called.",
    )


def _last_note(call: MarginCall) -> str:
    notes = sorted(call.notes.all(), key=lambda note: (note.at, note.pk))
    return f"{notes[-1].text} ({notes[-1].by})" if notes else ""


def statements(account: Account) -> Table:
    """Return the statements made last."""
    rows = Statement.objects.filter(account=account).order_by("-last", "-pk")
    return Table(
        "statements",
        "Statements",
        ("Number", "Kind", "From", "To", "Made"),
        [
            (
                word(each.number, link=page("reconciliation_statement", each.pk)),
                word(each.kind),
                day(each.first),
                day(each.last),
                time(each.made_at),
            )
            for each in rows[:ROWS_MAX]
        ],
        listing("reconciliation_statement", account.number),
        "None was made yet.",
    )
