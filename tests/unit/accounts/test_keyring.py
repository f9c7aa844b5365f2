"""How long a key is believed, by a clock that the tests move."""

from uuid import UUID

import pytest

from accounts.keys import keyring, terms
from accounts.keys.keyring import Key, Keyring, Principal, Use
from accounts.keys.terms import Scope

PRINCIPAL = Principal(UUID(int=1), "PK1")
KEY = Key("d" * 64, PRINCIPAL)


@pytest.fixture
def ring() -> Keyring:
    """A ring with PK1, asked for at 10."""
    made = Keyring()
    made.keep(["PK1"], {"PK1": KEY}, asked_at=10.0)
    return made


@pytest.mark.parametrize(
    ("key", "digest", "expected"),
    [(KEY, "d" * 64, PRINCIPAL), (KEY, "e" * 64, None), (None, "d" * 64, None),
     (None, "0" * 64, None)],
)  # fmt: skip
def test_only_the_right_secret_of_a_key_that_is_there_proves_anybody(key, digest, expected):
    assert keyring.proved(key, digest) == expected


@pytest.mark.parametrize(("now", "found"), [(10.0, KEY), (10.99, KEY), (11.0, None), (90.0, None)])
def test_a_key_is_believed_for_a_second_after_the_question(ring, now, found):
    assert ring.get("PK1", now=now) == found


def test_a_late_answer_is_believed_from_its_question_on(ring):
    ring.keep(["PK1"], {"PK1": KEY}, asked_at=10.5)
    assert ring.get("PK1", now=11.4) == KEY
    assert ring.get("PK1", now=11.5) is None


def test_what_is_no_longer_valid_is_gone_at_once_and_nothing_else(ring):
    ring.keep(["PK2"], {"PK2": Key("e" * 64, Principal(UUID(int=2), "PK2"))}, asked_at=10.0)
    ring.keep(["PK1"], {}, asked_at=10.1)
    assert ring.get("PK1", now=10.1) is None
    assert ring.get("PK2", now=10.1) is not None


def test_keys_in_use_are_due_twice_a_second_and_taken_once(ring):
    assert ring.take_due(now=10.2) == ["PK1"]
    assert not ring.is_due(now=10.69)
    assert ring.take_due(now=10.69) == []
    assert ring.is_due(now=10.7)
    assert ring.take_due(now=10.7) == ["PK1"]
    assert ring.take_due(now=10.7) == []


def test_a_key_that_nobody_uses_is_asked_for_no_more(ring):
    ring.get("PK1", now=20.0)
    assert ring.take_due(now=79.0) == ["PK1"]
    assert ring.take_due(now=80.0) == []
    assert not ring.is_due(now=99.0)


def test_an_empty_ring_is_never_due(ring):
    assert not Keyring().is_due(now=1e9)
    ring.clear()
    assert not ring.is_due(now=1e9)


def test_the_ring_is_bounded(ring, monkeypatch):
    monkeypatch.setattr(keyring, "KEYS_MAX", 3)
    names = [f"PK{number}" for number in range(1, 6)]
    for name in names:
        ring.keep([name], {name: KEY}, asked_at=10.0)
    assert [name for name in names if ring.get(name, now=10.0)] == ["PK4", "PK5"]


def test_a_secret_that_was_replaced_is_right_for_as_long_as_the_ring_is_told_so():
    both = Key("d" * 64, PRINCIPAL, former_digest="c" * 64)
    assert keyring.proved(both, "c" * 64) == keyring.proved(both, "d" * 64) == PRINCIPAL
    assert keyring.proved(KEY, "c" * 64) is None
    assert keyring.proved(KEY, "") is None


def test_the_first_use_in_a_minute_is_noted_and_told_once(ring):
    ring.note_use("PK1", now=10.0, address="192.0.2.1")
    ring.note_use("PK1", now=69.9, address="192.0.2.2")
    assert ring.has_uses
    assert ring.take_uses() == [Use("PK1", 10.0, "192.0.2.1")]
    assert not ring.has_uses
    ring.note_use("PK1", now=70.0, address="192.0.2.3")
    assert ring.take_uses() == [Use("PK1", 70.0, "192.0.2.3")]


def test_a_use_that_the_database_knows_of_is_not_noted_again(ring):
    ring.keep(["PK1"], {"PK1": Key("d" * 64, PRINCIPAL, unused_seconds=20.0)}, asked_at=30.0)
    ring.note_use("PK1", now=69.9, address="")
    ring.note_use("PK9", now=69.9, address="")
    assert not ring.has_uses
    ring.note_use("PK1", now=70.0, address="")
    assert ring.has_uses


@pytest.mark.parametrize(
    ("scopes", "reads", "trades"),
    [(frozenset(), False, False), ({Scope.READ}, True, False), (terms.ALL, True, True)],
)
def test_a_key_may_what_its_scopes_say_and_a_call_without_a_scope_is_never_among_it(
    scopes, reads, trades
):
    principal = Principal(UUID(int=1), "PK1", frozenset(scopes))
    assert (principal.may(Scope.READ), principal.may(Scope.TRADE)) == (reads, trades)
    assert not principal.may(None)
