"""Signing in by phone: /api/v1/auth/. docs/api.md describes it.

What is called without being signed in is answered to whoever holds the token that it asks for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.factors import challenges
from accounts.models import Phone, User
from accounts.phones import asking, signing_in, staying, stepping_up, tokens
from accounts.phones.asking import Choice, Proof
from accounts.phones.signing_in import Device
from accounts.phones.tokens import Pair
from accounts.sessions import authentication, origins, throttles
from accounts.sessions.gate import public
from accounts.sessions.judging import SignInStopped
from accounts.sessions.throttles import Subject
from trading.api import errors, queries, wire
from trading.api.authentication import signed_in_of
from trading.api.views.base import Call, fields

EMAIL_LENGTH_MAX: Final = 254
PASSWORD_LENGTH_MAX: Final = 128
CODE_LENGTH_MAX: Final = 40
TOKEN_LENGTH_MAX: Final = 100
DEVICE_LENGTHS: Final = range(16, 65)
NAME_LENGTH_MAX: Final = 60
MARK_LENGTH_MAX: Final = 100
PROOF: Final = ("factor_id", "code", "assertion")
"""The fields in which a second factor is proved."""


class TokenCall(APIView):
    """A call of whoever is not signed in: by password, or by the one token it asks for."""

    authentication_classes = []
    permission_classes = []
    http_method_names = ["post"]

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        response["Cache-Control"] = "no-store"
        return response


@public
class Password(TokenCall):
    """The first step: e-mail and password, for a token that is good for the second."""

    def post(self, request: Request) -> Response:
        body, now = fields(request, {"email", "password", "device"}), timezone.now()
        email = _text(body, "email", most=EMAIL_LENGTH_MAX)
        password = _text(body, "password", most=PASSWORD_LENGTH_MAX)
        device = _device(body.get("device"))
        with _failures():
            halfway = signing_in.begin(
                email=email, password=password, device=device, address=_address(request), now=now
            )
        if halfway is None:
            raise errors.ApiError(
                401, "This e-mail and password do not belong together.", reason="wrong_password"
            )
        return Response(
            {
                "halfway_token": halfway.token,
                "expires_in": int(tokens.HALFWAY_LASTS.total_seconds()),
                "factors": _choices(halfway.choices),
            }
        )


@public
class FactorCode(TokenCall):
    """Send a code for the second step to a telephone or mailbox; the code before it is void."""

    def post(self, request: Request) -> Response:
        body, now = fields(request, {"halfway_token", "factor_id"}), timezone.now()
        token = _text(body, "halfway_token", most=TOKEN_LENGTH_MAX)
        chosen = _text(body, "factor_id", most=asking.ID_LENGTH)
        with _failures():
            return _sent(signing_in.send_code(token, chosen, now=now))


@public
class FactorKey(TokenCall):
    """Ask for what a security key is to sign in the second step, once and within five minutes."""

    def post(self, request: Request) -> Response:
        body, now = fields(request, {"halfway_token"}), timezone.now()
        token = _text(body, "halfway_token", most=TOKEN_LENGTH_MAX)
        with _failures():
            return Response(signing_in.ask_key(token, now=now))


@public
class Factor(TokenCall):
    """The second step: a proof of a factor, for the tokens of a phone that is signed in."""

    def post(self, request: Request) -> Response:
        body, now = fields(request, {"halfway_token", *PROOF}), timezone.now()
        token = _text(body, "halfway_token", most=TOKEN_LENGTH_MAX)
        proof, origin = _proof(body), origins.of(request._request)
        with _failures():
            found = signing_in.finish(token, proof, origin=origin, now=now)
        known = {"device_token": found.mark} if found.mark else {}
        return Response(_pair(found.pair) | {"phone_id": str(found.phone.pk)} | known)


@public
class Refresh(TokenCall):
    """New tokens for the refresh token, which is used up."""

    def post(self, request: Request) -> Response:
        body, now = fields(request, {"refresh_token", "device_id"}), timezone.now()
        token = _text(body, "refresh_token", most=TOKEN_LENGTH_MAX)
        device_id = _text(body, "device_id", most=DEVICE_LENGTHS[-1])
        try:
            pair = staying.refresh(
                token, device_id=device_id, origin=origins.of(request._request), now=now
            )
        except staying.UnknownToken:
            raise errors.ApiError(401, "Sign in again.", reason="signed_out") from None
        except staying.TokenReused:
            authentication.forget_phones()
            raise errors.ApiError(
                401, "This token was used before: sign in again.", reason="token_reused"
            ) from None
        return Response(_pair(pair))


class StepUp(Call):
    """By what a phone can prove a second factor again; proving it, for what asks for a fresh one:
    good for five minutes."""

    def get(self, request: Request) -> Response:
        """The factors by which this phone can prove again."""
        with _failures():
            found = stepping_up.choices(signed_in_of(request).sign_in_id)
        return Response({"factors": _choices(found)})

    def post(self, request: Request) -> Response:
        """Prove a second factor again, for what asks for a fresh one: good for five minutes."""
        proof, now = _proof(fields(request, PROOF)), timezone.now()
        signed_in, origin = signed_in_of(request), origins.of(request._request)
        subjects = (Subject(f"step-up {signed_in.user_id}", free=5),)
        with _failures():
            throttles.charge(subjects, now=now)
            stepping_up.prove(signed_in.sign_in_id, proof, origin=origin, now=now)
        throttles.give_back(subjects, now=now)
        authentication.forget_phones()
        return Response(status=204)


class StepUpCode(Call):
    """Send a code to prove again with to a telephone or mailbox; the code before it is void."""

    def post(self, request: Request) -> Response:
        chosen = _text(fields(request, {"factor_id"}), "factor_id", most=asking.ID_LENGTH)
        phone_id, now = signed_in_of(request).sign_in_id, timezone.now()
        with _failures():
            return _sent(stepping_up.send_code(phone_id, chosen, now=now))


class StepUpKey(Call):
    """Ask for what a security key is to sign to prove again, once and within five minutes."""

    def post(self, request: Request) -> Response:
        fields(request, ())
        phone_id, now = signed_in_of(request).sign_in_id, timezone.now()
        with _failures():
            return Response(stepping_up.ask_key(phone_id, now=now))


class Devices(Call):
    """The phones at which the person is signed in, the latest seen first."""

    def get(self, request: Request) -> Response:
        signed_in, now = signed_in_of(request), timezone.now()
        user = User.objects.get(pk=signed_in.user_id)
        return Response(
            [_phone(each, present=signed_in.sign_in_id) for each in staying.phones(user, now=now)]
        )


class DeviceOf(Call):
    def delete(self, request: Request, phone_id: str) -> Response:
        """Sign a phone out: its tokens are refused everywhere within a second."""
        return _ended(request, phone_id, why=Phone.Ending.ENDED)


class SignOut(Call):
    """Sign this phone out."""

    def post(self, request: Request) -> Response:
        fields(request, ())
        phone_id = str(signed_in_of(request).sign_in_id)
        return _ended(request, phone_id, why=Phone.Ending.SIGNED_OUT)


def _ended(request: Request, phone_id: str, *, why: Phone.Ending) -> Response:
    named = queries.as_uuid(phone_id)
    user = User.objects.get(pk=signed_in_of(request).user_id)
    if named is None or not staying.end(user, named, why=why, now=timezone.now()):
        raise errors.not_found("The phone")
    authentication.forget_phones()
    return Response(status=204)


def _pair(pair: Pair) -> wire.Json:
    return {
        "access_token": pair.access,
        "token_type": "Bearer",
        "expires_in": int(tokens.ACCESS_LASTS.total_seconds()),
        "refresh_token": pair.refresh,
        "refresh_expires_in": int(tokens.IDLE_MAX.total_seconds()),
    }


def _phone(phone: Phone, *, present: object) -> wire.Json:
    return {
        "id": str(phone.pk),
        "name": phone.name,
        "factor": phone.factor,
        "address": phone.address,
        "place": phone.place,
        "started_at": wire.timestamp(phone.started_at),
        "seen_at": wire.timestamp(phone.seen_at),
        "is_this": phone.pk == present,
    }


def _address(request: Request) -> str:
    return str(request.META.get("REMOTE_ADDR", ""))


def _text(body: dict[str, Any], name: str, *, most: int) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= most or "\0" in value:
        raise errors.invalid(f"{name} must be a text of 1 to {most} characters.")
    return value


def _device(given: object) -> Device:
    match given:
        case {"id": str(device_id), "name": str(name), **rest} if not set(rest) - {"token"}:
            mark = rest.get("token") or ""
            is_named = 1 <= len(name.strip()) <= NAME_LENGTH_MAX and name.isprintable()
            if (
                isinstance(mark, str)
                and len(mark) <= MARK_LENGTH_MAX
                and is_named
                and (len(device_id) in DEVICE_LENGTHS)
            ):
                return Device(device_id, name.strip(), mark)
    raise errors.invalid(
        f"device must have an id of {DEVICE_LENGTHS[0]} to {DEVICE_LENGTHS[-1]} characters, a name "
        f"of at most {NAME_LENGTH_MAX}, and the token that it was given, if it has one."
    )


def _proof(body: dict[str, Any]) -> Proof:
    """Return what is sent for a second factor: a code, or what a security key answered."""
    chosen = _text(body, "factor_id", most=asking.ID_LENGTH) if "factor_id" in body else ""
    if "assertion" not in body:
        return Proof(code=_text(body, "code", most=CODE_LENGTH_MAX), choice_id=chosen)
    assertion = body["assertion"]
    if not isinstance(assertion, dict) or "code" in body:
        raise errors.invalid("assertion must be a PublicKeyCredential as JSON, and no code by it.")
    return Proof(key_answer=json.dumps(assertion), choice_id=chosen)


def _choices(found: Sequence[Choice]) -> list[wire.Json]:
    return [
        {"id": choice.id, "kind": str(choice.way), "target": choice.target or None}
        for choice in found
    ]


def _sent(chosen: Choice) -> Response:
    lasts = int(challenges.AGE_MAX.total_seconds())
    return Response({"sent_to": chosen.target, "expires_in": lasts})


@contextmanager
def _failures() -> Iterator[None]:
    """Answer what these steps raise as the API does."""
    try:
        yield
    except throttles.TooManyAttempts as error:
        raise errors.ApiError(
            429, "Too many attempts.", reason="too_many_attempts", until=wire.timestamp(error.until)
        ) from None
    except signing_in.UnknownHalfway:
        raise errors.ApiError(
            401, "Begin again with the password.", reason="halfway_over"
        ) from None
    except stepping_up.UnknownPhone:
        raise errors.not_found("The phone") from None
    except asking.UnknownChoice:
        raise errors.not_found("The factor") from None
    except asking.WrongCode:
        raise errors.ApiError(401, "This proves nothing now.", reason="wrong_code") from None
    except asking.BoundToKeys:
        raise errors.ApiError(
            403, "Sign in at a browser, with your security key.", reason="security_key_needed"
        ) from None
    except SignInStopped:
        raise errors.ApiError(
            403, "Nobody is let in from where you are.", reason="sign_in_stopped"
        ) from None
    except signing_in.AnotherProofNeeded as error:
        raise errors.ApiError(
            403, error.text, reason="stronger_factor_needed", factors=_choices(error.choices)
        ) from None
