"""Somebody has lost every factor: asking another person to agree that they are taken."""

from __future__ import annotations

from typing import Final

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts import selectors
from accounts.factors import taking
from accounts.models import User
from trading.operations.framed import enter, framed
from trading.operations.viewing import shows

PERMISSION: Final = "accounts.add_reenrolment"
NOTE: Final = (
    "For somebody who has lost every way of signing in, recovery codes too. When another person "
    "has agreed, all of them are taken, every browser, phone and key is signed out, withdrawals "
    "wait for 72 hours, and a letter with a link goes to the address that we have."
)


class LostFactorsForm(forms.Form):
    email = forms.EmailField(label="Their e-mail address", max_length=254)
    identity = forms.CharField(
        label="How they have shown who they are",
        help_text="Which papers, seen by whom and how; whom you called back, at which number.",
        max_length=taking.IDENTITY_LENGTH_MAX,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    reason = forms.CharField(label="What has happened", max_length=300)


@require_http_methods(["GET", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """Ask that the factors of somebody are taken; another person agrees under Approvals."""
    enter(request, PERMISSION)
    form = LostFactorsForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        told = form.cleaned_data
        user = selectors.user_by_email(told["email"])
        by: User = request.user  # type: ignore[assignment]
        try:
            if user is None:
                raise taking.UnableToTake("Nobody is registered with this address.")
            shows(request, [user.pk])
            taking.ask(
                user, identity=told["identity"], reason=told["reason"], by=by, now=timezone.now()
            )
        except taking.UnableToTake as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, "Asked for. Nothing changes until another person agrees.")
            return redirect("operations:approvals")
    return framed(request, "operations/asking.html", title="Lost factors", note=NOTE, form=form)
