"""The account: money, API keys, how one signs in, how the pages look."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts import selectors
from accounts.factors import recovery, roster
from accounts.sessions.gate import person_of
from trading import demo
from trading.pages import now, standing

LOT_METHODS: Final = (
    ("fifo", "First in, first out", "A sale closes the oldest lots first."),
    ("lifo", "Last in, first out", "A sale closes the newest lots first."),
    (
        "highest_cost",
        "Highest cost first",
        "A sale closes what cost the most: the least gain now.",
    ),
    ("specific", "As you name them", "You name the lots of each sale; without names, the oldest."),
)


@never_cache
@require_GET
def overview(request: HttpRequest) -> HttpResponse:
    account_id = now.account_id(request)
    user = person_of(request)
    account = selectors.account(account_id)
    if account is None:
        raise Http404
    return render(
        request,
        "pages/account.html",
        {
            **now.context(account_id, page="account"),
            "account": account,
            "standing": standing.standing(account, now=timezone.now()),
            "lot_methods": LOT_METHODS,
            "factors": roster.factors(user),
            "recovery_left": recovery.left(user),
            "sign_ins": selectors.sign_ins(user),
            "this_sign_in": now.signed_in(request).sign_in_id,
            "is_demo": settings.DEMO,
            "demo_amount": demo.AMOUNT,
        },
    )
