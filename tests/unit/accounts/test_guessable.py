import time

import pytest

from accounts.factors import guessable

WORDS = ("ann.miller@example.com", "Ann Miller", "openfloor")


@pytest.mark.parametrize(
    "password",
    [
        "passwordpassword",
        "Password1234",
        "1234password!",
        "letmein!letmein",
        "123456789012",
        "987654321098",
        "qwertyuiop12",
        "abcdefghijklm",
        "asdfghjklasdfghjkl",
        "aaaaaaaaaaaa",
        "121212121212",
        "ann.miller.ann",
        "Miller-Openfloor",
        "openfloor2026",
        "systemofadown",
        "MortalKombat.26",
    ],
)
def test_what_is_tried_first_is_guessable(password):
    assert guessable.is_guessable(password, words=WORDS)


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",
        "correcthorsebatterystaple",
        "twelve chars",
        "ααααββββγγγγδδδδ",
        "&*(!@#$%^&*()",
        "kR7vw2mQz9pL",
        "my ann arbor flat",
        "passwordless is the way to go",
    ],
)
def test_what_takes_many_tries_is_not(password):
    assert not guessable.is_guessable(password, words=WORDS)


@pytest.mark.parametrize("unit", ["test", "testpass", "1234", "ab1!"])
def test_the_longest_password_is_judged_at_once(unit):
    started = time.process_time()  # a machine that pauses takes none of it
    guessable.is_guessable((unit * 40)[:127] + "x", words=WORDS)
    assert time.process_time() - started < 0.5
