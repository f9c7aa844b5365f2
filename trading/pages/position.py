"""One position: its lots, what was realised, and how to close it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts import selectors as accounts
from portfolio import particulars
from portfolio import selectors as portfolio
from portfolio.lots import records as lots
from portfolio.lots import tax
from trading.pages import now

if TYPE_CHECKING:
    from portfolio.models import Lot

ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class LotView:
    """A lot at the latest price; `gain` is None while there is none. Amounts in USD."""

    lot: Lot
    gain: Decimal | None
    is_long_term: bool
    disallowed: Decimal


@never_cache
@require_GET
def detail(request: HttpRequest, symbol: str) -> HttpResponse:
    account_id = now.account_id(request)
    account = accounts.account(account_id)
    position = particulars.position_in(account_id, symbol.upper())
    if position is None or account is None:
        raise Http404
    at = timezone.now()
    views = portfolio.snapshot(account_id, now=at).positions
    view = next((each for each in views if each.instrument.pk == position.instrument_id), None)
    price = view.price if view else None
    open_lots = particulars.open_lots(position)
    disallowed = tax.disallowed_of([lot.pk for lot in open_lots])
    return render(
        request,
        "pages/position.html",
        {
            **now.context(account_id, page="account"),
            "account": account,
            "position": position,
            "view": view,
            "lots": [
                LotView(
                    lot=lot,
                    gain=None if price is None else lot.quantity * price - lot.cost_basis,
                    is_long_term=lots.is_long_term(lot.acquired_at, at),
                    disallowed=disallowed.get(lot.pk, ZERO),
                )
                for lot in open_lots
            ],
            "closings": particulars.latest_closings(position),
            "names_lots": account.lot_method == "specific" and position.quantity > 0,
        },
    )
