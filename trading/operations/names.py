"""A customer has another legal name: asking another person to agree that it is written."""

from __future__ import annotations

from typing import Final

from django import forms
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

from accounts.customers import naming, profiles
from trading.operations import asking
from trading.operations.asking import AskingForm

PERMISSION: Final = "accounts.add_profile"
NOTE: Final = (
    "After a marriage, a court's decision or our own mistake. When another person has agreed, the "
    "name is written, and the customer is told by letter. Payees must be held by it from then on."
)


class NameForm(AskingForm):
    legal_name = forms.CharField(
        label="Their name from now on", max_length=profiles.NAME_LENGTH_MAX
    )
    papers = forms.CharField(
        label="Which papers were seen",
        help_text="Kind and number, seen by whom and how.",
        max_length=naming.PAPERS_LENGTH_MAX,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    reason = forms.CharField(label="Why it is another", max_length=300)


@require_http_methods(["GET", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """Ask that a customer has another name; another person agrees under Approvals."""
    return asking.page(
        request,
        NameForm,
        permission=PERMISSION,
        title="Another name",
        note=NOTE,
        ask=naming.ask,
        refusal=naming.UnableToName,
    )
