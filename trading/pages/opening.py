"""Opening an account: what a broker has to know of a customer, in three short steps."""

from __future__ import annotations

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts import selectors
from accounts.customers import profiles
from accounts.factors import recovery, roster
from accounts.models import Account, User
from accounts.sessions.gate import freshly_proved
from trading.pages import auth_forms
from trading.pages.joining_forms import FORMS, StepForm
from trading.pages.now import signed_in


@never_cache
@sensitive_post_parameters("tax_id")
@require_http_methods(["GET", "POST"])
def opening(request: HttpRequest) -> HttpResponse:
    """Ask for the next answers that are missing; when none is, the account is open."""
    user = User.objects.get(pk=signed_in(request).user_id)
    missing = profiles.missing(profiles.of(user))
    if not missing:
        return redirect("opening_codes" if _is_pending(user) else "/")
    step = missing[0]
    form = FORMS[step](request.POST or None)
    if request.method == "POST" and form.is_valid() and _keep(user, form):
        return redirect("opening")
    auth_forms.first_focus(form)
    number = profiles.STEPS.index(step) + 1
    context = {
        "form": form,
        "number": number,
        "count": len(profiles.STEPS),
        "is_demo": settings.DEMO,
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "pages/opening.html", context, status=status)


@freshly_proved("POST")
@never_cache
@require_http_methods(["GET", "POST"])
def codes(request: HttpRequest) -> HttpResponse:
    """Show the recovery codes, once, and open the account when they are said to be kept.

    They cannot be shown again: whoever has not written them down makes others.
    """
    user, at = User.objects.get(pk=signed_in(request).user_id), timezone.now()
    if not _is_pending(user):
        return redirect("/")
    if "kept" in request.POST:
        recovery.note_kept(user, now=at)
    if recovery.is_kept(user) and "show" not in request.POST:
        return redirect("/" if profiles.open_when_ready(user, now=at) else "opening")
    shown = roster.renew_recovery_codes(user, now=at) if "show" in request.POST else []
    context = {"codes": shown, "is_demo": settings.DEMO}
    return render(request, "pages/opening_codes.html", context)


@never_cache
@require_POST
def examples(request: HttpRequest) -> HttpResponse:
    """Let a newcomer to the demonstration go on with made-up answers."""
    if not settings.DEMO:
        raise Http404
    user = User.objects.get(pk=signed_in(request).user_id)
    profiles.fill_with_examples(user, now=timezone.now())
    return redirect("/")


def _is_pending(user: User) -> bool:
    account = selectors.account_of(user)
    return account is not None and account.status == Account.Status.PENDING


def _keep(user: User, form: StepForm) -> bool:
    try:
        profiles.keep(user, form.answers(), now=timezone.now())
    except profiles.AnswersWrong as error:
        for each in error.wrong:
            form.add_error(each.field, each.message)
        return False
    return True
