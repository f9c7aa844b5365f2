"""Who comes to an account, and who looked at it: sign-ins, keys, the security log, staff."""

from __future__ import annotations

from accounts.models import Account, Activity, ApiKey, SecurityEvent, SignIn, Viewing
from accounts.oversight import actors
from accounts.sessions.events import FAILURES, TITLES, Kind
from trading.operations.customer.tables import DASH, ROWS_MAX, Table, number, time, word
from trading.operations.customer.ways import listing, page


def sign_ins(account: Account) -> Table:
    """Return the browsers that signed in last."""
    rows = SignIn.objects.filter(user=account.user_id).order_by("-started_at", "-pk")
    return Table(
        "sign-ins",
        "Sign-ins",
        ("Since", "From", "Browser", "Seen", "Ended"),
        [
            (
                time(each.started_at),
                word(_place(each.address, each.place)),
                word(each.browser[:60]),
                time(each.seen_at),
                time(each.ended_at),
            )
            for each in rows[:ROWS_MAX]
        ],
        listing("accounts_signin", account.user.email),
        "Never signed in.",
    )


def security_log(account: Account) -> Table:
    """Return what happened last to how the customer signs in."""
    rows = SecurityEvent.objects.filter(user=account.user_id).order_by("-at", "-pk")
    return Table(
        "security-log",
        "Security log",
        ("At", "What", "About", "From"),
        [
            (
                time(each.at),
                word(TITLES[Kind(each.kind)], bad=each.kind in FAILURES),
                word(each.about),
                word(_place(each.address, each.place)),
            )
            for each in rows[:ROWS_MAX]
        ],
        listing("accounts_securityevent", account.user.email),
    )


def keys(account: Account) -> Table:
    """Return the API keys made last."""
    rows = ApiKey.objects.filter(account=account).order_by("-created_at", "key_id")
    return Table(
        "keys",
        "API keys",
        ("Made", "Key", "Name", "Used", "Revoked"),
        [
            (
                time(each.created_at),
                word(each.key_id, link=page("accounts_apikey", each.key_id)),
                word(each.name),
                time(each.last_used_at),
                time(each.revoked_at),
            )
            for each in rows[:ROWS_MAX]
        ],
        listing("accounts_apikey", account.number),
        "No key.",
    )


def activity(account: Account) -> Table:
    """Return what happened last in the account."""
    rows = list(Activity.objects.filter(account=account).order_by("-sequence")[:ROWS_MAX])
    who = actors.named(each.actor for each in rows)
    return Table(
        "activity",
        "Activity",
        ("#Number", "At", "What", "By"),
        [
            (
                number(str(each.sequence)),
                time(each.at),
                word(each.kind.replace("_", " "), link=page("accounts_activity", each.pk)),
                word(who[each.actor]),
            )
            for each in rows
        ],
        listing("accounts_activity", account.number),
    )


def viewings(account: Account) -> Table:
    """Return who of us looked at the customer last."""
    rows = Viewing.objects.filter(people__contains=[account.user_id]).select_related("by")
    return Table(
        "viewings",
        "Who has looked",
        ("At", "Who", "Page"),
        [
            (time(each.at), word(each.by), word(each.page))
            for each in rows.order_by("-at", "-pk")[:ROWS_MAX]
        ],
        listing("accounts_viewing", account.number),
        "Nobody.",
    )


def _place(address: str | None, place: str) -> str:
    return ", ".join(each for each in (address, place) if each) or DASH
