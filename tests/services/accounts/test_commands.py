import io
import json
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings
from django.utils import timezone

from accounts import selectors
from accounts.customers import profiles
from accounts.factors import proving, resealing, seeds
from accounts.factors.senders import sending
from accounts.letters import writing
from accounts.models import Account, Letter, User
from accounts.sessions import authentication
from portfolio.models import Balance
from tests import people

pytestmark = pytest.mark.usefixtures("db")


def run(*arguments: str) -> str:
    printed = io.StringIO()
    call_command(*arguments, stdout=printed)
    return printed.getvalue()


def test_opening_an_account_prints_exactly_one_json_object():
    printed = run("open_account", "Ann@Example.com", "--name", "Ann", "--deposit", "2500.50")
    opened = json.loads(printed)
    account = Account.objects.get()
    assert opened == {
        "account_id": str(account.pk),
        "account_number": account.number,
        "email": "ann@example.com",
    }
    assert Balance.objects.get(account=account, asset="USD").amount == Decimal("2500.50")
    assert not account.user.has_usable_password()


def test_the_key_it_makes_works():
    opened = json.loads(run("open_account", "bot@example.com", "--margin", "--api-key"))
    found = authentication.api_key(opened["key_id"], opened["secret_key"])
    assert str(found.account_id) == opened["account_id"]
    assert Account.objects.get().margin


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ann"], "Give an e-mail address"),
        (["taken@example.com"], "taken@example.com is registered already."),
        (["ann@example.com", "--deposit", "1e5"], "--deposit is an amount in USD"),
        (["ann@example.com", "--deposit", "0"], "greater than zero"),
        (["ann@example.com", "--deposit", "1.005"], "whole cents"),
        (["ann@example.com", "--password", "short"], "at least 12 characters"),
        (["ann@example.com", "--name", "x" * 121], "at most 120 characters"),
    ],
)
def test_bad_input_is_one_sentence_and_opens_nothing(arguments, said):
    run("open_account", "taken@example.com")
    with pytest.raises(CommandError, match=said) as refused:
        run("open_account", *arguments)
    assert "\n" not in str(refused.value)
    assert User.objects.count() == Account.objects.count() == 1


def test_the_code_it_prints_is_accepted_also_twice_in_a_row():
    run("open_account", "ann@example.com")
    user = selectors.user_by_email("ann@example.com")
    for _ in range(2):
        assert proving.verify_code(user, run("code", user.email).strip()) is not None


def test_the_link_it_prints_signs_in(client):
    run("open_account", "ann@example.com")
    link = run("sign_in_link", "ann@example.com").strip()
    assert client.post(link).headers["Location"] == "/"


@pytest.mark.parametrize("command", ["code", "sign_in_link"])
def test_somebody_unknown_is_said_to_be(command):
    with pytest.raises(CommandError, match=r"Nobody is registered as no@example\.com\."):
        run(command, "no@example.com")


@override_settings(DEMO=False)
def test_production_prints_no_codes_and_no_links():
    run("open_account", "ann@example.com", "--password", "correct horse battery")
    for command in ("code", "sign_in_link"):
        with pytest.raises(CommandError, match="demo shape only"):
            run(command, "ann@example.com")
    with pytest.raises(CommandError, match="give a --password"):
        run("open_account", "bob@example.com")
    assert selectors.authenticators(selectors.user_by_email("ann@example.com")) == []


def test_seeds_are_sealed_anew_under_a_new_secret(settings):
    run("open_account", "ann@example.com")
    user = selectors.user_by_email("ann@example.com")
    before = proving.secret_text(selectors.authenticators(user)[0])
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another secret"
    assert run("reseal_seeds").endswith(" resealed.\n")
    settings.SECRET_KEY_FALLBACKS = []
    assert proving.secret_text(selectors.authenticators(user)[0]) == before
    assert proving.current_code(user, now=timezone.now()).isdigit()


def test_all_that_lies_sealed_is_sealed_anew_under_another_key(settings, monkeypatch):
    monkeypatch.setattr(resealing, "BATCH", 2)
    now = timezone.now()
    user, _ = people.customer()
    profiles.keep(user, profiles.EXAMPLES[0], now=now)
    sending.write("+436601234567", "123456 is your code", now=now, lasts=timedelta(minutes=5))
    for _ in range(3):
        writing.write(user, "security_changed", now=now, what="A test", at=now)
    Letter.objects.filter(pk=Letter.objects.order_by("pk").last().pk).update(sealed_text="")
    assert {f"{model.__name__}.{field}" for model, field in resealing.sealed_fields()} == {
        "Letter.sealed_text", "Profile.sealed_tax_id", "TextMessage.sealed_text",
        "TotpDevice.sealed_seed",
    }  # fmt: skip
    settings.SEED_KEYS = ["another key of thirty-two letters"]
    assert resealing.reseal() == 5
    settings.SECRET_KEY = "nobody's business any more"
    for model, field in resealing.sealed_fields():
        for sealed in model._default_manager.exclude(**{field: ""}).values_list(field, flat=True):
            assert seeds.unseal(sealed)
    settings.SEED_KEYS = ["a third key of thirty-two letters"]
    with pytest.raises(CommandError, match="SEED_KEYS"):
        run("reseal_seeds")
