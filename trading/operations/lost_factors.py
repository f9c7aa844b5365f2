"""Somebody has lost every factor: asking another person to agree that they are taken."""

from __future__ import annotations

from typing import Final

from django import forms
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

from accounts.factors import taking
from trading.operations import asking
from trading.operations.asking import AskingForm

PERMISSION: Final = "accounts.add_reenrolment"
NOTE: Final = (
    "For somebody who has lost every way of signing in, recovery codes too. When another person "
    "has agreed, all of them are taken, every browser, phone and key is signed out, withdrawals "
    "wait for 72 hours, and a letter with a link goes to the address that we have."
)


class LostFactorsForm(AskingForm):
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
    return asking.page(
        request,
        LostFactorsForm,
        permission=PERMISSION,
        title="Lost factors",
        note=NOTE,
        ask=taking.ask,
        refusal=taking.UnableToTake,
    )
