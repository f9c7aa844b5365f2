"""The path of an alert through people, as the settings say it."""

from datetime import UTC, datetime, timedelta

import pytest

from risk.findings import Severity
from risk.surveillance import paths
from risk.surveillance.paths import Step, UnusablePath

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
CHANNELS = ("mail", "desk", "chief")


def minutes(count):
    return timedelta(minutes=count)


def test_a_path_is_read_step_by_step():
    told = {"severe": "0:mail+desk|15:mail|45:chief", "warning": "0:desk"}
    assert paths.read(told, channels=CHANNELS) == {
        Severity.SEVERE: (
            Step(minutes(0), ("mail", "desk")),
            Step(minutes(15), ("mail",)),
            Step(minutes(45), ("chief",)),
        ),
        Severity.WARNING: (Step(minutes(0), ("desk",)),),
    }


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"grave": "0:mail"}, "no severity"),
        ({"severe": "0:phone"}, "no channel 'phone'"),
        ({"severe": "5:mail"}, "must begin with minute 0"),
        ({"severe": "0:mail|15:desk|15:chief"}, "later than the one before"),
        ({"severe": "0:mail|x:desk"}, "not like 15:mail"),
        ({"severe": "0"}, "not like 15:mail"),
        ({"severe": ""}, "not like 15:mail"),
        ({"severe": "0:mail|99999:desk"}, "not like 15:mail"),
        ({"severe": "|".join(f"{n}:mail" for n in range(11))}, "up to 10 steps"),
    ],
)
def test_a_path_that_cannot_be_taken_is_refused_in_words(told, says):
    with pytest.raises(UnusablePath, match=says):
        paths.read(told, channels=CHANNELS)


def test_the_next_step_is_due_by_what_lies_between_the_two():
    path = paths.read({"severe": "0:mail|15:mail|45:chief"}, channels=CHANNELS)[Severity.SEVERE]
    due = [paths.due_after(path, told, now=NOW) for told in range(5)]
    assert due == [None, NOW + minutes(15), NOW + minutes(30), None, None]


def test_who_has_acknowledged_follows_it_for_an_hour():
    assert not paths.is_heard(None, now=NOW)
    assert paths.is_heard(NOW, now=NOW + minutes(60))
    assert not paths.is_heard(NOW, now=NOW + minutes(61))
