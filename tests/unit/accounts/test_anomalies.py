"""What a sign-in is judged by, rule by rule, at the edges."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from accounts.sessions import anomalies, places
from accounts.sessions.anomalies import Attempt, Outcome, Past, Reason, Spot

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
VIENNA, TOKYO = Spot(48.2, 16.37, 0), Spot(35.68, 139.69, 0)
AS_EVER = Attempt(at=NOW, country="AT", spot=VIENNA, is_known_device=True, is_bad_address=False)
KNOWN = Past(
    is_first=False,
    countries=frozenset({"AT", "DE"}),
    last_at=NOW - timedelta(hours=2),
    last_spot=VIENNA,
    failures=0,
)
FIRST = Past(is_first=True, countries=frozenset(), last_at=None, last_spot=None, failures=0)


def judged(*, past=None, **attempt):
    verdict = anomalies.judge(replace(AS_EVER, **attempt), replace(KNOWN, **(past or {})))
    return verdict.outcome, verdict.reasons


@pytest.mark.parametrize(
    ("attempt", "past", "outcome", "reasons"),
    [
        ({}, {}, Outcome.ALLOW, ()),
        ({"is_known_device": False}, {}, Outcome.STEP_UP, (Reason.NEW_DEVICE,)),
        ({"country": "DE"}, {}, Outcome.ALLOW, ()),
        ({"country": "JP"}, {}, Outcome.STEP_UP, (Reason.NEW_COUNTRY,)),
        ({"country": ""}, {}, Outcome.ALLOW, ()),
        ({"country": "JP"}, {"countries": frozenset()}, Outcome.ALLOW, ()),
        ({}, {"failures": 9}, Outcome.ALLOW, ()),
        ({}, {"failures": 10}, Outcome.STEP_UP, (Reason.MANY_FAILURES,)),
        ({"is_bad_address": True}, {}, Outcome.BLOCK, (Reason.BAD_ADDRESS,)),
        ({"spot": None}, {}, Outcome.ALLOW, ()),
        ({}, {"last_spot": None}, Outcome.ALLOW, ()),
        (
            {"is_bad_address": True, "is_known_device": False, "country": "JP", "spot": TOKYO},
            {},
            Outcome.BLOCK,
            (Reason.BAD_ADDRESS, Reason.TOO_FAST, Reason.NEW_COUNTRY, Reason.NEW_DEVICE),
        ),
    ],
)
def test_what_is_unusual_is_named_and_the_worst_of_it_counts(attempt, past, outcome, reasons):
    assert judged(past=past, **attempt) == (outcome, reasons)


def test_the_first_sign_in_of_all_is_not_unusual():
    attempt = replace(AS_EVER, is_known_device=False)
    assert anomalies.judge(attempt, FIRST) == anomalies.Verdict(Outcome.ALLOW, ())


def test_faster_than_an_airliner_is_too_fast_and_as_fast_is_not():
    # Vienna and Tokyo are some 9,140 km apart: 10 h 9 min at 900 km/h.
    hours = anomalies.km_apart(VIENNA, TOKYO) / anomalies.SPEED_KM_H_MAX
    assert 10.1 < hours < 10.2
    there = {"country": "AT", "spot": TOKYO}
    second = timedelta(seconds=1)
    in_time, too_soon = (
        NOW - timedelta(hours=hours) - second,
        NOW - timedelta(hours=hours) + second,
    )
    assert judged(past={"last_at": in_time}, **there) == (Outcome.ALLOW, ())
    assert judged(past={"last_at": too_soon}, **there) == (Outcome.STEP_UP, (Reason.TOO_FAST,))
    assert judged(past={"last_at": NOW}, **there)[1] == (Reason.TOO_FAST,)
    assert judged(past={"last_at": NOW + second}, **there)[1] == (Reason.TOO_FAST,)


def test_two_names_of_one_place_are_not_far_apart():
    near = Spot(48.2, 17.6, 0)  # 91 km
    assert judged(past={"last_at": NOW, "last_spot": near}) == (Outcome.ALLOW, ())


def test_a_country_is_as_near_as_its_border():
    known = places.countries()
    assert anomalies.km_apart(known["AT"].spot, known["DE"].spot) == 0
    assert anomalies.km_apart(known["US"].spot, known["CA"].spot) == 0
    assert 4_000 < anomalies.km_apart(known["US"].spot, known["DE"].spot) < 6_000
    assert anomalies.km_apart(known["AT"].spot, known["NZ"].spot) > 15_000
