"""Ending sign-ins at other browsers."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts.models import SignIn, User
from accounts.sessions import sign_ins
from accounts.sessions.gate import freshly_proved
from trading.pages.now import signed_in


@freshly_proved
@never_cache
@require_POST
def end(request: HttpRequest, sign_in_id: UUID) -> HttpResponse:
    """End one of one's sign-ins; of another's it is not found."""
    user = User.objects.get(pk=signed_in(request).user_id)
    now = timezone.now()
    if not sign_ins.end_one(user, sign_in_id, why=SignIn.Ending.ELSEWHERE, now=now):
        raise Http404
    return redirect(f"{reverse('security')}#sign-ins")


@freshly_proved
@never_cache
@require_POST
def end_others(request: HttpRequest) -> HttpResponse:
    """End every sign-in but the one at this browser."""
    found = signed_in(request)
    user = User.objects.get(pk=found.user_id)
    sign_ins.end_others(
        user, keep=found.sign_in_id, why=SignIn.Ending.ELSEWHERE, now=timezone.now()
    )
    return redirect(f"{reverse('security')}#sign-ins")
