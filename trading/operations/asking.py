"""Asking another person to agree to what is done about one customer, found by their address."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from accounts import selectors
from trading.operations.framed import enter, framed
from trading.operations.viewing import shows


class AskingForm(forms.Form):
    """Of whom; what else a page asks for are the further words of what it asks."""

    email = forms.EmailField(label="Their e-mail address", max_length=254)


def page(
    request: HttpRequest,
    form_class: type[AskingForm],
    *,
    permission: str,
    title: str,
    note: str,
    ask: Callable[..., object],
    refusal: type[ValueError],
) -> HttpResponse:
    """Show the form, and ask by `ask(user, **fields, by=, now=)`, which may raise `refusal`."""
    enter(request, permission)
    form = form_class(request.POST or None)
    if request.method == "POST" and form.is_valid():
        told: dict[str, Any] = dict(form.cleaned_data)
        user = selectors.user_by_email(told.pop("email"))
        try:
            if user is None:
                raise refusal("Nobody is registered with this address.")
            shows(request, [user.pk])
            ask(user, **told, by=request.user, now=timezone.now())
        except refusal as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, "Asked for. Nothing changes until another person agrees.")
            return redirect("operations:approvals")
    return framed(request, "operations/asking.html", title=title, note=note, form=form)
