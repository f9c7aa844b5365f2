"""What happened in an account, page by page: orders, money, holdings, settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts import activity
from marketdata.models import Instrument
from trading.api import wire
from trading.pages import now

if TYPE_CHECKING:
    from accounts.models import Activity

PAGE: Final = 100
SEQUENCE_DIGITS_MAX: Final = 15
# What can be asked for, by its name in the address: its word, and what its events begin with.
AREAS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "": ("Everything", ()),
    "orders": ("Orders", ("order",)),
    "money": ("Money and holdings", ("money", "holding", "margin")),
    "account": ("Settings", ("account", "key", "security")),
}


@never_cache
@require_GET
def listing(request: HttpRequest) -> HttpResponse:
    account_id = now.account_id(request)
    area = request.GET.get("area", "")
    if area not in AREAS:
        area = ""
    before = _sequence(request.GET.get("before", ""))
    # Read before the activities: what happens between the two is told again, and never missed.
    context = now.context(account_id, page="activity")
    _, prefixes = AREAS[area]
    found = activity.page(account_id, before=before, areas=prefixes, size=PAGE)
    return render(
        request,
        "pages/activity.html",
        {
            **context,
            "area": area,
            "areas": [(name, words) for name, (words, _) in AREAS.items()],
            "count": len(found.entries),
            "older": "" if found.older is None else _query(area, found.older),
            "newest": _query(area, None) if before is not None else None,
            "activity": {
                "events": [_shown(entry) for entry in found.entries],
                "areas": prefixes,
                "is_newest": before is None,
                "most": PAGE,
                "price_steps": _price_steps(found.entries),
            },
        },
    )


def _sequence(text: str) -> int | None:
    """Read the page that is asked for; what makes no sense is as if it were not there."""
    is_number = text.isascii() and text.isdigit() and len(text) <= SEQUENCE_DIGITS_MAX
    return int(text) if is_number else None


def _query(area: str, before: int | None) -> str:
    parts = {"area": area, "before": before}
    return urlencode({name: value for name, value in parts.items() if value})


def _shown(entry: Activity) -> dict[str, Any]:
    return {
        "sequence": entry.sequence,
        "kind": entry.kind,
        "at": wire.timestamp(entry.at),
        "actor": entry.actor,
        "payload": entry.payload,
    }


def _price_steps(entries: Sequence[Activity]) -> dict[str, wire.Json]:
    """Return the steps of each symbol's prices, as those are shown in their precision."""
    symbols = {str(entry.payload["symbol"]) for entry in entries if "symbol" in entry.payload}
    found = Instrument.objects.filter(symbol__in=symbols)
    return {each.symbol: wire.price_steps(each) for each in found}
