"""Security keys and passkeys (WebAuthn level 3), registered and asked.

A key signs a challenge of ours together with the address of the page that asked, so that nobody
else's page gets a proof which is worth anything here. Answers come as the JSON of a browser's
PublicKeyCredential. Members of staff show their key a PIN or finger, others if it can.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import webauthn
from django.conf import settings
from django.db import IntegrityError, transaction
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    CredentialDeviceType,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from accounts.factors import challenges
from accounts.models import Challenge, SecurityKey, User

ANSWER_LENGTH_MAX: Final = 20_000
TRANSPORTS: Final = frozenset(transport.value for transport in AuthenticatorTransport)
RP_NAME: Final = "Openfloor"


class KeyRefused(ValueError):
    """What the key answered cannot be taken; says why to the log, not to the person."""


def registration_options(user: User, *, bound_to: str, now: datetime) -> dict[str, Any]:
    """Return what navigator.credentials.create() wants, to register a key of `user`."""
    options = webauthn.generate_registration_options(
        rp_id=settings.WEBAUTHN_RP_ID,
        rp_name=RP_NAME,
        user_id=user.pk.bytes,
        user_name=user.email,
        user_display_name=user.get_full_name(),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED, user_verification=_verification(user)
        ),
        exclude_credentials=_descriptors(_keys_of(user)),
    )
    _ask(user, Challenge.Kind.ADD_KEY, options.challenge, bound_to=bound_to, now=now)
    return _as_json(options)


def register(user: User, answer: str, *, name: str, bound_to: str, now: datetime) -> SecurityKey:
    """Make the key that gave `answer` a factor of `user`. Raises KeyRefused."""
    asked = challenges.take(user, Challenge.Kind.ADD_KEY, bound_to=bound_to, now=now)
    if asked is None:
        raise KeyRefused("this browser was asked for no key, or has answered")
    try:
        made = webauthn.verify_registration_response(
            credential=_parsed(answer),
            expected_challenge=base64url_to_bytes(asked.expected),
            expected_rp_id=settings.WEBAUTHN_RP_ID,
            expected_origin=settings.WEBAUTHN_ORIGINS,
            require_user_verification=user.is_staff,
        )
    except (WebAuthnException, ValueError) as error:
        raise KeyRefused(str(error)) from error
    try:
        with transaction.atomic():
            key: SecurityKey = SecurityKey.objects.create(
                user=user,
                name=name,
                confirmed=True,
                credential_id=bytes_to_base64url(made.credential_id),
                public_key=made.credential_public_key,
                count=made.sign_count,
                transports=_transports(answer),
                is_synced=made.credential_device_type == CredentialDeviceType.MULTI_DEVICE,
                created_at=now,
            )
    except IntegrityError:
        raise KeyRefused("the key is registered already") from None
    key.knew_owner = made.user_verified
    return key


def proof_options(user: User, *, bound_to: str, now: datetime) -> dict[str, Any]:
    """Return what navigator.credentials.get() wants, to have one of the user's keys sign."""
    options = webauthn.generate_authentication_options(
        rp_id=settings.WEBAUTHN_RP_ID,
        allow_credentials=_descriptors(_keys_of(user)),
        user_verification=_verification(user),
    )
    _ask(user, Challenge.Kind.PROVE_KEY, options.challenge, bound_to=bound_to, now=now)
    return _as_json(options)


def verify(
    user: User, answer: str, *, bound_to: str, now: datetime, is_from_app: bool = False
) -> SecurityKey | None:
    """Return the key of `user` that signed what this browser was asked; otherwise None.

    `is_from_app` says that an app on a phone asked, whose own origins count beside our pages'.
    """
    asked = challenges.take(user, Challenge.Kind.PROVE_KEY, bound_to=bound_to, now=now)
    if asked is None:
        return None
    with transaction.atomic():
        key = _locked_key(user, answer)
        if key is None:
            return None
        try:
            proof = webauthn.verify_authentication_response(
                credential=_parsed(answer),
                expected_challenge=base64url_to_bytes(asked.expected),
                expected_rp_id=settings.WEBAUTHN_RP_ID,
                expected_origin=_origins(is_from_app=is_from_app),
                credential_public_key=bytes(key.public_key),
                credential_current_sign_count=key.count,
                require_user_verification=user.is_staff,
            )
        except (WebAuthnException, ValueError):
            return None
        key.count = proof.new_sign_count
        key.save(update_fields=["count"])
    key.knew_owner = proof.user_verified
    return key


def _locked_key(user: User, answer: str) -> SecurityKey | None:
    try:
        credential_id = _parsed(answer).get("id")
    except KeyRefused:
        return None
    mine = SecurityKey.objects.select_for_update().filter(user=user, confirmed=True)
    key: SecurityKey | None = mine.filter(
        credential_id=str(credential_id).replace("\0", "")  # which PostgreSQL takes in no text
    ).first()
    return key


def _keys_of(user: User) -> list[SecurityKey]:
    return list(SecurityKey.objects.filter(user=user, confirmed=True).order_by("pk"))


def _verification(user: User) -> UserVerificationRequirement:
    if user.is_staff:
        return UserVerificationRequirement.REQUIRED
    return UserVerificationRequirement.PREFERRED


def _origins(*, is_from_app: bool) -> list[str]:
    apps: list[str] = settings.WEBAUTHN_APP_ORIGINS if is_from_app else []
    return [*settings.WEBAUTHN_ORIGINS, *apps]


def _descriptors(keys: Sequence[SecurityKey]) -> list[PublicKeyCredentialDescriptor]:
    return [
        PublicKeyCredentialDescriptor(
            id=base64url_to_bytes(key.credential_id),
            transports=[AuthenticatorTransport(each) for each in key.transports] or None,
        )
        for key in keys
    ]


def _transports(answer: str) -> list[str]:
    response = _parsed(answer).get("response")
    given = response.get("transports") if isinstance(response, dict) else None
    return sorted(TRANSPORTS & {str(each) for each in given}) if isinstance(given, list) else []


def _parsed(answer: str) -> dict[str, Any]:
    if len(answer) > ANSWER_LENGTH_MAX:
        raise KeyRefused("too long an answer")
    try:
        found = json.loads(answer)
    except (ValueError, RecursionError):
        raise KeyRefused("no JSON") from None
    if not isinstance(found, dict):
        raise KeyRefused("no object")
    return found


def _ask(
    user: User, kind: Challenge.Kind, challenge: bytes, *, bound_to: str, now: datetime
) -> None:
    expected = bytes_to_base64url(challenge)
    challenges.ask(user, kind, bound_to=bound_to, expected=expected, now=now)


def _as_json(options: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(webauthn.options_to_json(options))
    return found
