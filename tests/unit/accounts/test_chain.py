"""An activity chain shows every change that is made to it."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts import chain
from accounts.chain import BrokenChain, Event

AT = datetime(2026, 1, 5, 15, 0, tzinfo=UTC)


def a_chain(length=4):
    rows, previous = [], ""
    for sequence in range(1, length + 1):
        event = Event("money.deposited", AT + timedelta(seconds=sequence), "rule:test",
                      {"amount": str(sequence)})  # fmt: skip
        previous = chain.digest(event, account_id="A", sequence=sequence, previous=previous)
        rows.append((sequence, event, previous))
    return rows


def test_an_untouched_chain_verifies_to_its_head():
    rows = a_chain()
    assert chain.verify("A", rows) == (4, rows[-1][2])
    assert chain.verify("A", []) == (0, "")


def test_the_digest_is_what_the_documentation_says():
    event = Event("k", AT, "user:1", {"b": "2", "a": None})
    expected = (
        b'{"account_id":"A","actor":"user:1","at":"2026-01-05T15:00:00.000000Z","kind":"k",'
        b'"payload":{"a":null,"b":"2"},"sequence":1}'
    )
    import hashlib

    found = chain.digest(event, account_id="A", sequence=1, previous="x")
    assert found == hashlib.sha256(b"x" + expected).hexdigest()


@pytest.mark.parametrize("touched", [0, 1, 3])
def test_a_changed_row_is_found(touched):
    rows = a_chain()
    sequence, event, digest = rows[touched]
    rows[touched] = (sequence, Event(event.kind, event.at, event.actor, {"amount": "9"}), digest)
    with pytest.raises(BrokenChain, match=f"activity {sequence} "):
        chain.verify("A", rows)


def test_a_missing_row_is_found():
    rows = a_chain()
    del rows[1]
    with pytest.raises(BrokenChain, match="after activity 1 comes 3"):
        chain.verify("A", rows)


def test_a_chain_of_another_account_does_not_pass():
    with pytest.raises(BrokenChain):
        chain.verify("B", a_chain())
