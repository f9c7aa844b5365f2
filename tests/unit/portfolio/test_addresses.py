"""Addresses of coins by the examples of their specifications; and what is said beside one."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.payees import addresses, destinations
from portfolio.payees.addresses import NoAddress
from portfolio.payees.destinations import InvalidDestination
from portfolio.payees.keccak import keccak_256
from portfolio.payees.models import Payee

BITCOIN = (
    "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
    "3P14159f73E4gFr7JterCCQh9QjiTjiZrG",
    "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
    "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
    "bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y",
    "bc1sw50qgdz25j",
)
ETHEREUM = (
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
)
XRP = ("rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh", "rrrrrrrrrrrrrrrrrrrrrhoLvTp")


@pytest.mark.parametrize(
    ("message", "digest"),
    [
        (b"", "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"),
        (b"abc", "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"),
    ],
)
def test_keccak_is_that_of_before_the_standard(message, digest):
    assert keccak_256(message).hex() == digest
    assert hashlib.sha3_256(message).hexdigest() != digest


@pytest.mark.parametrize("length", [135, 136, 137, 400])
def test_keccak_takes_messages_of_any_number_of_blocks(length):
    assert len({keccak_256(bytes(length)), keccak_256(bytes(length + 1))}) == 2


@pytest.mark.parametrize(
    ("read", "text"),
    [
        *((addresses.bitcoin, each) for each in BITCOIN),
        *((addresses.ethereum, each) for each in ETHEREUM),
        *((addresses.xrp_ledger, each) for each in XRP),
    ],
)
def test_what_is_an_address_stays_as_it_is_written(read, text):
    assert read(text) == text


def test_an_address_is_written_in_one_way():
    assert addresses.ethereum(ETHEREUM[0].lower()) == ETHEREUM[0]
    assert addresses.ethereum("0x" + ETHEREUM[0][2:].upper()) == ETHEREUM[0]
    assert addresses.bitcoin(BITCOIN[2].upper()) == BITCOIN[2]


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (addresses.bitcoin, "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5"),  # the checksum
        (addresses.bitcoin, "bc1Qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"),  # both cases
        (addresses.bitcoin, "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx"),  # the test network
        (addresses.bitcoin, "bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4"),
        (addresses.bitcoin, "BC130XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ7ZWS8R"),
        (addresses.bitcoin, "bc1rw5uspcuh"),  # a program of one byte
        (addresses.bitcoin, "bc1gmk9yu"),  # none
        (addresses.bitcoin, "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb"),
        (addresses.bitcoin, "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn"),  # the test network
        (addresses.bitcoin, ""),
        (addresses.ethereum, "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1Beaed"),  # one capital
        (addresses.ethereum, "5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"),
        (addresses.ethereum, "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAe"),
        (addresses.xrp_ledger, "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTj"),
        (addresses.xrp_ledger, BITCOIN[0]),
        (addresses.bitcoin, XRP[0]),
    ],
)
def test_what_is_none_is_refused(read, text):
    with pytest.raises(NoAddress):
        read(text)


@given(st.sampled_from(BITCOIN[:3] + XRP), st.integers(1, 33), st.sampled_from("qpz2r9xHA"))
def test_one_wrong_character_is_always_found(text, place, other):
    read = addresses.xrp_ledger if text in XRP else addresses.bitcoin
    place %= len(text)
    wrong = text[:place] + other + text[place + 1 :]
    if wrong == text:
        assert read(wrong) == text
    else:
        with pytest.raises(NoAddress):
            read(wrong)


@given(st.text(max_size=80))
def test_no_text_makes_it_stumble(text):
    for read in (addresses.bitcoin, addresses.ethereum, addresses.xrp_ledger):
        with pytest.raises(NoAddress):
            read(text)


def coins(**more):
    numbers = {
        "network": "bitcoin", "address": BITCOIN[2], "wallet": "self_hosted", **more,
    }  # fmt: skip
    return destinations.destination("coin", holder="Ada Lovelace", numbers=numbers)


XRP_OF = {"network": "xrp_ledger", "address": XRP[0], "wallet": "provider", "provider": "Kraken"}


def test_an_address_takes_the_coin_of_its_network_alone():
    said = coins()
    assert (said.coin, said.numbers["memo"], said.numbers["provider"]) == ("BTC", "", "")
    assert said.masked == "Bitcoin bc1qw5 … f3t4"
    assert BITCOIN[2] in said.text


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"network": "solana"}, "network"),
        ({"address": ETHEREUM[0]}, "address"),
        ({"memo": "7"}, "memo"),
        ({"wallet": "mine"}, "wallet"),
        ({"wallet": "provider"}, "provider"),
        ({"wallet": "provider", "provider": "x" * 81}, "provider"),
        ({"provider": "Kraken"}, "provider"),
        ({**XRP_OF, "memo": ""}, "memo"),
        ({**XRP_OF, "memo": "4294967296"}, "memo"),
        ({**XRP_OF, "memo": "-1"}, "memo"),
        ({"iban": "DE89370400440532013000"}, "iban"),
    ],
)
def test_what_cannot_be_sent_to_is_refused_by_its_field(more, field):
    with pytest.raises(InvalidDestination) as refused:
        coins(**more)
    assert refused.value.field == field


def test_a_tag_is_part_of_what_tells_two_apart_and_who_keeps_it_is_not():
    one, two = coins(**XRP_OF, memo="1"), coins(**XRP_OF, memo="2")
    assert Payee.fingerprint_of(one) != Payee.fingerprint_of(two)
    kept = coins(wallet="provider", provider="Kraken")
    assert Payee.fingerprint_of(coins()) == Payee.fingerprint_of(kept)
