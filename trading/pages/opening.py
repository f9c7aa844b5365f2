"""Opening an account: what a broker has to know of a customer, in three short steps."""

from __future__ import annotations

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts.customers import profiles
from accounts.models import User
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
        return redirect("/")
    step = missing[0]
    form = FORMS[step](request.POST or None)
    if request.method == "POST" and form.is_valid() and _keep(user, form):
        return redirect("opening" if len(missing) > 1 else "/")
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


@never_cache
@require_POST
def examples(request: HttpRequest) -> HttpResponse:
    """Let a newcomer to the demonstration go on with made-up answers."""
    if not settings.DEMO:
        raise Http404
    user = User.objects.get(pk=signed_in(request).user_id)
    profiles.fill_with_examples(user, now=timezone.now())
    return redirect("/")


def _keep(user: User, form: StepForm) -> bool:
    try:
        profiles.keep(user, form.answers(), now=timezone.now())
    except profiles.AnswersWrong as error:
        for each in error.wrong:
            form.add_error(each.field, each.message)
        return False
    return True
