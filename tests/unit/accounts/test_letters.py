from datetime import UTC, datetime, timedelta

import pytest

from accounts.letters import sending, wording


def test_a_letter_is_its_text_with_the_facts_in_it():
    facts = {
        "name": "Ann {email}",
        "home": "http://h",
        "at": datetime(2026, 3, 2, 9, 5, tzinfo=UTC),
    }
    found = wording.compose("already_registered", facts)
    assert found.subject == "Somebody tried to open an account with your address"
    assert found.text.startswith("Hello Ann {email},\n\non 02 March 2026, 09:05 UTC somebody")
    assert found.text.endswith("there is nothing that you have to do.\n")


def test_a_fact_that_is_missing_is_no_letter():
    with pytest.raises(wording.FactsMissing, match="already_registered needs at, home"):
        wording.compose("already_registered", {"name": "Ann"})


@pytest.mark.parametrize("kind", ["no_such_letter", "../wording", ""])
def test_an_unknown_kind_is_no_letter(kind):
    with pytest.raises(wording.UnknownLetter):
        wording.compose(kind, {})


def test_a_fact_makes_no_line_of_its_own():
    facts = {"name": "A\nSubject: b\r", "home": "h", "at": "now"}
    said = wording.compose("already_registered", facts)
    assert said.text.startswith("Hello A Subject: b,\n")


@pytest.mark.parametrize("kind", wording.kinds())
def test_every_text_has_a_subject_and_no_line_that_wraps(kind):
    facts = dict.fromkeys(wording.facts_of(kind), "x")
    said = wording.compose(kind, facts)
    assert said.subject
    assert said.text.startswith("Hello")
    assert max(map(len, said.text.splitlines())) <= 100
    assert said.text.isascii()


@pytest.mark.parametrize(
    ("attempts", "seconds"), [(1, 10), (2, 20), (3, 40), (9, 2560), (10, 3600), (1000, 3600)]
)
def test_waiting_doubles_up_to_an_hour(attempts, seconds):
    assert sending.wait_after(attempts) == timedelta(seconds=seconds)
