"""Money on its way out: payees, withdrawals, the limit of a day, and links that cancel."""

from __future__ import annotations

import secrets
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import User
from accounts.sessions.gate import freshly_proved, public
from portfolio import particulars
from portfolio.funding import passage
from portfolio.funding import services as funding
from portfolio.funding.passage import Direction
from portfolio.payees import cancel_links, cancelling
from portfolio.payees import services as payees
from portfolio.payees.destinations import InvalidDestination
from risk.margin import withdrawing
from trading.pages import auth_forms, now
from trading.pages.money_forms import LimitForm, PayeeForm, WithdrawalForm


@never_cache
@require_GET
def overview(request: HttpRequest) -> HttpResponse:
    """Show what can leave, where to, and what is on its way."""
    account_id, at = _account_id(request), timezone.now()
    known = payees.payees(account_id)
    return render(
        request,
        "pages/money.html",
        {
            **now.context(account_id, page="account"),
            "withdrawable": withdrawing.withdrawable(account_id, now=at),
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
    account_id = _account_id(request)
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
        account_id=_account_id(request), payee_id=payee_id, actor=_actor(request),
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
    account_id, at = _account_id(request), timezone.now()
    ready = [
        (str(each.pk), f"{each} ({each.destination.masked})" if each.label else str(each))
        for each in payees.payees(account_id)
        if not each.waits(now=at)
    ]
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
            )
        except funding.UnableToWithdraw as error:
            form.add_error("payee" if "payee" in error.code else "amount", str(error))
        else:
            waits = passage.needs_two_people(Direction.WITHDRAWAL, asked.amount)
            who = "two people" if waits else "a person"
            messages.success(
                request,
                f"{asked.amount:,.2f} USD are set aside. They go on their way when {who} here "
                "approved it. We have sent you a letter about it.",
            )
            return redirect("money")
    more = {
        "ready": ready,
        "withdrawable": withdrawing.withdrawable(account_id, now=at),
        "left": payees.left_today(account_id, now=at),
    }
    return _form_page(request, "pages/withdraw.html", form, **more)


@require_POST
def cancel(request: HttpRequest, funding_id: UUID) -> HttpResponse:
    """Cancel one's own withdrawal, unless it has left already."""
    try:
        is_known = cancelling.cancel_own(
            account_id=_account_id(request), funding_id=funding_id, actor=_actor(request),
            now=timezone.now(),
        )  # fmt: skip
    except funding.UnableToCarryOn:
        messages.error(request, "It cannot be cancelled any more: it has left.")
    else:
        if not is_known:
            raise Http404
        messages.success(request, "The withdrawal was cancelled, and its money is yours again.")
    return redirect("money")


@freshly_proved(strong=True)
@never_cache
@require_http_methods(["GET", "POST"])
def set_limit(request: HttpRequest) -> HttpResponse:
    account_id, at = _account_id(request), timezone.now()
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
            "amount": paid.amount if paid else None,
            "payee": paid.payee if paid else link.payee,
            "is_too_late": not is_done and paid is not None and not cancelling.may_cancel(paid),
        },
    )


def _form_page(request: HttpRequest, template: str, form: Any, **more: object) -> HttpResponse:
    auth_forms.first_focus(form)
    context = {**now.context(_account_id(request), page="account"), "form": form, **more}
    return render(request, template, context, status=422 if form.errors else 200)


def _account_id(request: HttpRequest) -> UUID:
    try:
        return now.account_id(request)
    except now.NoAccount:
        raise Http404 from None


def _person(request: HttpRequest) -> User:
    return User.objects.get(pk=now.signed_in(request).user_id)


def _actor(request: HttpRequest) -> str:
    return f"user:{now.signed_in(request).user_id}"
