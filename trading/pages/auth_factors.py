"""Asking for a second factor: the part that signing in and step-up have in common.

A page shows every means that counts for the person; each is a form of its own, told apart by
the field that it sends.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import segno
from django.http import HttpRequest

from accounts.factors import proving, recovery, security_keys, sent_codes
from accounts.factors.models import Factor
from accounts.factors.roster import Means
from accounts.models import TotpDevice, User
from accounts.sessions import origins, security_log, sign_ins, throttles
from accounts.sessions.events import Kind
from trading.pages import auth_forms, auth_words
from trading.pages.auth_forms import CodeForm, RecoveryCodeForm, SentCodeForm

PROOFS: Final = {"key_answer", "code", "sent_code", "recovery_code"}
"""The fields that a proof is sent in."""
KEY_REFUSED: Final = "The key could not prove that it is you. Try again, or use another factor."


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of a request to a page that asks: a factor that was proved, or what to show."""

    factor: Factor | None
    context: dict[str, Any]
    status: int


def bound_to(request: HttpRequest) -> str:
    """Return what questions to this browser are bound to: the digest of its session's key."""
    return sign_ins.digest_of(str(request.session.session_key))


def ask(request: HttpRequest, user: User, means: Means, *, now: datetime) -> Asked:
    """Look at what was sent for one of `means`, or just show them."""
    sent = request.POST if request.method == "POST" else {}
    code_form = CodeForm(sent if "code" in sent else None)
    sent_form = SentCodeForm(sent if "sent_code" in sent else None)
    recovery_form = RecoveryCodeForm(sent if "recovery_code" in sent else None)
    forms = {"code_form": code_form, "sent_form": sent_form, "recovery_form": recovery_form}
    factor: Factor | None = None
    context: dict[str, Any] = {}
    if "send" in sent:
        context = _send(request, user, means, str(sent["send"]), now=now)
    elif "key_answer" in sent and means.has_key:
        here = bound_to(request)
        factor = security_keys.verify(user, str(sent["key_answer"]), bound_to=here, now=now)
        context = {} if factor else {"key_error": KEY_REFUSED}
    elif "sent_code" in sent and means.places:
        factor = _sent_code(request, user, sent_form, now=now)
        context = {"sent_to": "you"}
    elif "recovery_code" in sent and means.has_recovery:
        factor = _recovery_code(user, recovery_form, now=now)
    elif "code" in sent and means.has_app:
        factor = _code(user, code_form, now=now)
    if factor is None and PROOFS & sent.keys():
        security_log.note(user, Kind.WRONG_CODE, now=now, origin=origins.of(request))
    for form in forms.values():
        auth_forms.first_focus(form)
    is_wrong = request.method == "POST" and factor is None and "sent_to" not in context
    is_wrong = is_wrong or any(form.errors for form in forms.values())
    shown = {**forms, "means": means, "places": _places(means), "person": user, **context}
    return Asked(factor, shown, 422 if is_wrong else 200)


def _send(
    request: HttpRequest, user: User, means: Means, factor_id: str, *, now: datetime
) -> dict[str, Any]:
    offered = {str(place.pk): place for place in means.places}
    if factor_id not in offered:
        return {}
    try:
        sent_codes.send(user, offered[factor_id].pk, bound_to=bound_to(request), now=now)
    except throttles.TooManyAttempts as error:
        words = auth_words.wait_text(error.until, now=now)
        return {"send_error": f"Too many codes were sent. {words}"}
    return {"sent_to": sent_codes.shown_address(offered[factor_id])}


def _sent_code(
    request: HttpRequest, user: User, form: SentCodeForm, *, now: datetime
) -> Factor | None:
    if not form.is_valid():
        return None
    here = bound_to(request)
    factor = sent_codes.verify(user, form.cleaned_data["sent_code"], bound_to=here, now=now)
    if factor is None:
        form.add_error("sent_code", "This code is wrong, was used or is too old. Send a new one.")
    return factor


def _recovery_code(user: User, form: RecoveryCodeForm, *, now: datetime) -> Factor | None:
    if not form.is_valid():
        return None
    factor = recovery.verify(user, form.cleaned_data["recovery_code"], now=now)
    if factor is None:
        form.add_error("recovery_code", "This is none of your unused recovery codes.")
    return factor


def _code(user: User, form: CodeForm, *, now: datetime) -> Factor | None:
    if not form.is_valid():
        return None
    factor = proving.verify_code(user, form.cleaned_data["code"])
    if factor is None:
        until = proving.codes_refused_until(user)
        form.add_error("code", auth_words.code_refused(until, now=now))
    return factor


def _places(means: Means) -> list[dict[str, Any]]:
    return [
        {
            "id": place.pk,
            "way": place.get_way_display(),
            "address": sent_codes.shown_address(place),
        }
        for place in means.places
    ]


def enrolment(device: TotpDevice) -> dict[str, Any]:
    """Return what a page shows of an authenticator that is to be set up."""
    secret = proving.secret_text(device)
    return {
        "picture": segno.make(proving.enrolment_address(device), error="m").svg_data_uri(
            border=3, dark="#000", light="#fff", omitsize=True
        ),
        "secret": " ".join(secret[i : i + 4] for i in range(0, len(secret), 4)),
    }
