"""A thief with a copy of the database finds nothing in it that opens a door."""

from __future__ import annotations

import base64
import re

import pytest
from django.db import connection
from django.utils import timezone

from accounts import selectors, services
from accounts.factors import proving, recovery, resets, seeds, sent_codes
from accounts.keys import issuing
from accounts.letters import writing
from accounts.models import Letter, MessageFactor, TextMessage
from tests import people
from tests.people import PASSWORD

pytestmark = pytest.mark.usefixtures("db")


def everything() -> str:
    """Return every row of every table, as text."""
    with connection.cursor() as cursor:
        texts = []
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT t::text FROM "{table}" AS t')
            texts += [row[0] for row in cursor.fetchall()]
    return "\n".join(texts)


def test_no_seed_secret_token_or_password_lies_in_plain_text():
    user, account = people.customer(password=PASSWORD)
    _, secret = issuing.create(account, "canary-key-name")
    token = services.new_sign_in_link(user, timezone.now())
    people.browser_by_link(user)
    device = selectors.authenticators(user)[0]
    codes = recovery.renew(user, now=timezone.now())
    sent = _ask_for_codes(user)
    seed = device.totp(at=0).key
    found = everything()
    assert "canary-key-name" in found  # what is looked through is what was written
    for hidden in (
        PASSWORD,
        secret,
        token,
        seed.hex(),
        proving.secret_text(device),
        base64.b64encode(seed).decode(),
        base64.urlsafe_b64encode(seed).decode(),
        *codes,
        *(code.replace("-", "") for code in codes),
    ):
        assert hidden not in found
    for hidden in sent:  # six digits are the end of many a number and time: as a whole word
        assert not re.search(rf"(?<![\w.-]){re.escape(hidden)}(?![\w.-])", found)


def _ask_for_codes(user) -> list[str]:
    """Return what a thief would like to read: codes by SMS and mail, a link to reset a password."""
    now = timezone.now()
    box = MessageFactor.objects.create(user=user, way="email", address="box@example.com")
    phone = MessageFactor.objects.create(user=user, way="sms", address="+436601234567")
    sent_codes.send(user, box.pk, bound_to="a" * 64, now=now)
    sent_codes.send(user, phone.pk, bound_to="b" * 64, now=now)
    resets.ask(email=user.email, address="192.0.2.1", now=now)
    texts = [writing.read(letter) for letter in Letter.objects.filter(user=user)]
    texts += [seeds.unseal(each.sealed_text).decode() for each in TextMessage.objects.all()]
    secrets = re.findall(r"^\d{6}(?= is|$)|(?<=reset/)\S+", "\n".join(texts), re.MULTILINE)
    assert len(secrets) == 3
    return secrets
