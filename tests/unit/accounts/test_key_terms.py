"""What may be asked of a key, and who is admitted."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts.keys import terms
from accounts.keys.terms import InvalidTerms, Scope, Terms

NOW = datetime(2026, 3, 2, 17, tzinfo=UTC)


@pytest.mark.parametrize(
    ("networks", "address", "expected"),
    [
        ((), "192.0.2.1", True),
        ((), "", True),
        (("192.0.2.7/32",), "192.0.2.7", True),
        (("192.0.2.7/32",), "192.0.2.8", False),
        (("192.0.2.0/24",), "192.0.2.255", True),
        (("192.0.2.0/24",), "192.0.3.0", False),
        (("192.0.2.0/24",), "::ffff:192.0.2.9", True),
        (("2001:db8::/48",), "2001:db8:0:ffff::1", True),
        (("2001:db8::/48",), "2001:db8:1::1", False),
        (("2001:db8::/48", "192.0.2.0/24"), "192.0.2.1", True),
        (("2001:db8::/48",), "192.0.2.1", False),
        (("192.0.2.0/24",), "", False),
        (("192.0.2.0/24",), "unix:", False),
        (("192.0.2.0/24",), "192.0.2.1, 10.0.0.1", False),
    ],
)
def test_a_key_with_an_address_list_is_used_from_there_alone(networks, address, expected):
    assert terms.admits(networks, address) is expected


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ([], ()),
        (["192.0.2.7"], ("192.0.2.7/32",)),
        ([" 192.0.2.7/24 ", "192.0.2.0/24"], ("192.0.2.0/24",)),
        (["2001:DB8::1"], ("2001:db8::1/128",)),
    ],
)
def test_addresses_are_kept_as_networks_each_once(given, kept):
    assert terms.parsed_networks(given) == kept


@pytest.mark.parametrize(
    "given", ["", "localhost", "0.0.0.0/0", "::/0", "192.0.2.0/33", "1" * 50, "192.0.2.1-9", "\0"]
)
def test_what_is_no_address_and_what_is_every_address_is_refused(given):
    with pytest.raises(InvalidTerms) as refused:
        terms.parsed_networks(["192.0.2.1", given])
    assert refused.value.field == "networks"


def test_a_list_has_an_end():
    addresses = [f"192.0.2.{number}" for number in range(21)]
    assert len(terms.parsed_networks(addresses[:20])) == 20
    with pytest.raises(InvalidTerms):
        terms.parsed_networks(addresses)


def test_who_trades_also_reads():
    assert terms.checked(Terms(frozenset({Scope.TRADE})), now=NOW).scopes == terms.ALL
    assert terms.checked(Terms(frozenset({Scope.READ})), now=NOW).scopes == {Scope.READ}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"scopes": frozenset()}, "scopes"),
        ({"expires_at": NOW}, "expires_at"),
        ({"expires_at": NOW + terms.LASTS_MAX + timedelta(seconds=1)}, "expires_at"),
        ({"calls_per_minute": 0}, "calls_per_minute"),
        ({"calls_per_minute": 600_001}, "calls_per_minute"),
    ],
)
def test_terms_that_cannot_be_are_refused(change, field):
    with pytest.raises(InvalidTerms) as refused:
        terms.checked(Terms(**change), now=NOW)
    assert refused.value.field == field


def test_terms_at_their_bounds_are_taken():
    within = Terms(expires_at=NOW + terms.LASTS_MAX, calls_per_minute=600_000)
    assert terms.checked(within, now=NOW) == within
