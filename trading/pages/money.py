"""Money on its way out: payees, withdrawals, the limit of a day, and links that cancel."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import User
from accounts.sessions.gate import freshly_proved, public
from foundation.decimals import CASH
from portfolio import particulars
from portfolio.funding import passage
from portfolio.funding import services as funding
from portfolio.funding.passage import Direction
from portfolio.payees import cancel_links, cancelling
from portfolio.payees import services as payees
from portfolio.payees.destinations import InvalidDestination
from portfolio.payees.precautions import Code
from risk.margin import withdrawing
from trading.pages import auth_forms, now
from trading.pages.money_forms import LimitForm, PayeeForm, WithdrawalForm

if TYPE_CHECKING:
    from portfolio.models import Funding, Payee

_OF_PAYEES: Final = frozenset({Code.UNKNOWN_PAYEE, Code.COOLING_OFF, Code.OTHER_ASSET})


@never_cache
@require_GET
def overview(request: HttpRequest) -> HttpResponse:
    """Show what can leave, where to, and what is on its way."""
    account_id, at = now.account_id(request), timezone.now()
    known = payees.payees(account_id)
    return render(
        request,
        "pages/money.html",
        {
            **now.context(account_id, page="account"),
            "withdrawable": withdrawing.withdrawable(account_id, now=at),
            "coins": withdrawing.withdrawable_coins(account_id, now=at),
            "limit": payees.limit(account_id, now=at),
            "left": payees.left_today(account_id, now=at),
            "payees": [{"payee": each, "waits": each.waits(now=at)} for each in known],
            "fundings": [
                {"funding": each, "may_cancel": cancelling.may_cancel(each)}
                for each in particulars.latest_fundings(account_id)
            ],
        },
    )


@freshly_proved(strong=True)
@never_cache
@require_http_methods(["GET", "POST"])
def add_payee(request: HttpRequest) -> HttpResponse:
    account_id = now.account_id(request)
    form = PayeeForm(request.POST or None, initial={"holder": _person(request).name})
    if request.method == "POST" and form.is_valid():
        try:
            payee = payees.add(
                **form.wanted(), account_id=account_id, actor=_actor(request), now=timezone.now()
            )
        except (InvalidDestination, payees.UnableToAdd) as error:
            form.add_error(error.field, str(error))
        else:
            messages.success(request, f"{payee} was added. We have sent you a letter about it.")
            return redirect("money")
    return _form_page(request, "pages/payee.html", form)


@require_POST
def remove_payee(request: HttpRequest, payee_id: UUID) -> HttpResponse:
    is_removed = payees.remove(
        account_id=now.account_id(request), payee_id=payee_id, actor=_actor(request),
        now=timezone.now(),
    )  # fmt: skip
    if not is_removed:
        raise Http404
    messages.success(request, "The payee was removed.")
    return redirect("money")


@freshly_proved(strong=True)
@never_cache
@require_http_methods(["GET", "POST"])
def withdraw(request: HttpRequest) -> HttpResponse:
    """Ask for a withdrawal; the form's reference makes one of it however often it is sent."""
    account_id, at = now.account_id(request), timezone.now()
    named = payees.payees(account_id)
    known = {str(each.pk): each for each in named if not each.waits(now=at)}
    ready = [(key, _named(each)) for key, each in known.items()]
    start = {"reference": secrets.token_hex(16), "payee": request.GET.get("payee", "")}
    form = WithdrawalForm(request.POST or None, initial=start, payees=ready)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            asked = withdrawing.request_withdrawal(
                account_id=account_id,
                payee_id=given["payee"],
                amount=given["amount"],
                reference=given["reference"],
                actor=_actor(request),
                now=at,
                coin=_coin(known.get(str(given["payee"]))),
            )
        except funding.UnableToWithdraw as error:
            form.add_error("payee" if error.code in _OF_PAYEES else "amount", str(error))
        else:
            waits = passage.needs_two_people(Direction.WITHDRAWAL, asked.value)
            who = "two people" if waits else "a person"
            messages.success(
                request,
                f"{_with_fee(asked)} are set aside. They go on their way when {who} here "
                "approved it. We have sent you a letter about it.",
            )
            return redirect("money")
    more = {
        "ready": ready,
        "has_payees": named != [],
        "withdrawable": withdrawing.withdrawable(account_id, now=at),
        "coins": withdrawing.withdrawable_coins(account_id, now=at),
        "left": payees.left_today(account_id, now=at),
    }
    return _form_page(request, "pages/withdraw.html", form, **more)


@require_POST
def cancel(request: HttpRequest, funding_id: UUID) -> HttpResponse:
    """Cancel one's own withdrawal, unless it has left already."""
    try:
        is_known = cancelling.cancel_own(
            account_id=now.account_id(request), funding_id=funding_id, actor=_actor(request),
            now=timezone.now(),
        )  # fmt: skip
    except funding.UnableToCarryOn:
        messages.error(request, "It cannot be cancelled any more: it has left.")
    else:
        if not is_known:
            raise Http404
        messages.success(request, "The withdrawal was cancelled: all of it is yours again.")
    return redirect("money")


@freshly_proved(strong=True)
@never_cache
@require_http_methods(["GET", "POST"])
def set_limit(request: HttpRequest) -> HttpResponse:
    account_id, at = now.account_id(request), timezone.now()
    held = payees.limit(account_id, now=at)
    form = LimitForm(request.POST or None, initial={"amount": f"{held.amount:.2f}"})
    if request.method == "POST" and form.is_valid():
        try:
            payees.set_limit(
                account_id=account_id, amount=form.cleaned_data["amount"],
                actor=_actor(request), now=at,
            )  # fmt: skip
        except payees.UnableToLimit as error:
            form.add_error("amount", str(error))
        else:
            messages.success(request, "The limit was chosen.")
            return redirect("money")
    return _form_page(request, "pages/limit.html", form, limit=held)


@public
@never_cache
@require_http_methods(["GET", "POST"])
def cancel_link(request: HttpRequest, token: str) -> HttpResponse:
    """Show what this link stops, and stop it when its reader says so. Looking uses nothing up."""
    link = cancel_links.find(token)
    is_done = False
    if request.method == "POST":
        try:
            is_done = cancelling.cancel(token, now=timezone.now()) is not None
        except cancelling.TooLate:
            return render(request, "auth/cancel.html", {"is_too_late": True}, status=409)
    if link is None or (request.method == "POST" and not is_done):
        return render(request, "auth/cancel.html", {"is_gone": True}, status=410)
    paid = link.funding
    return render(
        request,
        "auth/cancel.html",
        {
            "is_done": is_done,
            "amount": paid.text if paid else None,
            "payee": paid.payee if paid else link.payee,
            "is_too_late": not is_done and paid is not None and not cancelling.may_cancel(paid),
        },
    )


def _named(payee: Payee) -> str:
    """Return how a payee stands in a list of those that can be paid: with what it takes."""
    said = payee.destination
    return f"{payee} ({said.masked}), {said.coin}" if payee.label else f"{payee}, {said.coin}"


def _coin(payee: Payee | None) -> str:
    return payee.destination.coin if payee else CASH


def _with_fee(asked: Funding) -> str:
    return f"{asked.text} and a network fee of {asked.fee_text}" if asked.fee else asked.text


def _form_page(request: HttpRequest, template: str, form: Any, **more: object) -> HttpResponse:
    auth_forms.first_focus(form)
    context = {**now.context(now.account_id(request), page="account"), "form": form, **more}
    return render(request, template, context, status=422 if form.errors else 200)


def _person(request: HttpRequest) -> User:
    return User.objects.get(pk=now.signed_in(request).user_id)


def _actor(request: HttpRequest) -> str:
    return f"user:{now.signed_in(request).user_id}"
