"""What staff notes about a customer: written on the customer's page, and pinned there."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from accounts.customers import notes
from accounts.customers.models import AccountNote
from accounts.locks import UnknownAccount
from accounts.models import Account
from accounts.sessions.gate import person_of
from trading.operations.framed import enter

VIEW: Final = "accounts.view_accountnote"
WRITE: Final = "accounts.add_accountnote"
SHOWN_MAX: Final = 4


class NoteForm(forms.Form):
    kind = forms.ChoiceField(choices=AccountNote.Kind.choices)
    text = forms.CharField(
        max_length=notes.TEXT_LENGTH_MAX,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Say something."},
    )
    is_pinned = forms.BooleanField(required=False, label="Pin it: it stands first from now on")


class PinForm(forms.Form):
    is_pinned = forms.BooleanField(required=False)


def latest(account: Account) -> list[AccountNote]:
    """Return the notes of the page: pinned ones first, then the newest; not so many that what
    stops the account stands far below."""
    return list(notes.of(account)[:SHOWN_MAX])


@require_POST
def write(request: HttpRequest, account_id: UUID) -> HttpResponse:
    """Write a note about an account."""
    enter(request, WRITE)
    account = get_object_or_404(Account, pk=account_id)
    form = NoteForm(request.POST)
    by = person_of(request)
    if form.is_valid():
        try:
            notes.write(account.pk, **form.cleaned_data, by=by, now=timezone.now())
        except notes.UnableToNote as error:
            messages.error(request, str(error))
    else:
        messages.error(request, " ".join(str(e) for es in form.errors.values() for e in es))
    return redirect("operations:customer", account.pk)


@require_POST
def pin(request: HttpRequest, account_id: UUID, note_id: int) -> HttpResponse:
    """Pin a note, or take it down."""
    enter(request, WRITE)
    form = PinForm(request.POST)
    by = person_of(request)
    is_pinned = form.is_valid() and form.cleaned_data["is_pinned"]
    try:
        notes.pin(account_id, note_id, is_pinned=is_pinned, by=by, now=timezone.now())
    except (UnknownAccount, AccountNote.DoesNotExist):
        raise Http404 from None
    except notes.UnableToNote as error:
        messages.error(request, str(error))
    return redirect("operations:customer", account_id)
