"""A thief with a copy of the database finds nothing in it that opens a door."""

from __future__ import annotations

import base64

import pytest
from django.db import connection
from django.utils import timezone

from accounts import selectors, services
from accounts.factors import proving
from accounts.keys import issuing
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
    people.browser_of(user)
    device = selectors.authenticators(user)[0]
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
    ):
        assert hidden not in found
