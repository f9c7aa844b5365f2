"""A customer has another legal name: asking another person to agree that it is written."""

from __future__ import annotations

from typing import Final

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts import selectors
from accounts.customers import naming, profiles
from accounts.models import User
from trading.operations.framed import enter, framed
from trading.operations.viewing import shows

PERMISSION: Final = "accounts.add_profile"
NOTE: Final = (
    "After a marriage, a court's decision or our own mistake. When another person has agreed, the "
    "name is written, and the customer is told by letter. Payees must be held by it from then on."
)


class NameForm(forms.Form):
    email = forms.EmailField(label="Their e-mail address", max_length=254)
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
    enter(request, PERMISSION)
    form = NameForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        told = dict(form.cleaned_data)
        user = selectors.user_by_email(told.pop("email"))
        by: User = request.user  # type: ignore[assignment]
        try:
            if user is None:
                raise naming.UnableToName("Nobody is registered with this address.")
            shows(request, [user.pk])
            naming.ask(user, **told, by=by, now=timezone.now())
        except naming.UnableToName as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, "Asked for. Nothing changes until another person agrees.")
            return redirect("operations:approvals")
    return framed(request, "operations/asking.html", title="Another name", note=NOTE, form=form)
