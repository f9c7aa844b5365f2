"""What is read lately is read once, by one thread, and anew when somebody has changed it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

from foundation.reading import Reading
from tests.patience import DEADLINE_SECONDS

AN_HOUR = 3600.0


def test_what_was_read_lately_is_not_read_again():
    numbers = count(1)
    reading = Reading(lambda: next(numbers), age_seconds_max=AN_HOUR)
    assert [reading.latest() for _ in range(3)] == [1, 1, 1]
    reading.forget()
    assert [reading.latest() for _ in range(2)] == [2, 2]


def test_what_is_too_old_is_read_again():
    numbers = count(1)
    reading = Reading(lambda: next(numbers), age_seconds_max=-1.0)
    assert [reading.latest() for _ in range(3)] == [1, 2, 3]


def test_what_cannot_be_read_raises_and_is_tried_again():
    answers = iter([ZeroDivisionError(), "there"])

    def read():
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    reading = Reading(read, age_seconds_max=AN_HOUR)
    with pytest.raises(ZeroDivisionError):
        reading.latest()
    assert reading.latest() == "there"


class Slow:
    """A table that takes as long to read as a test likes, after the first time."""

    def __init__(self) -> None:
        self.numbers = count(1)
        self.begun, self.may_end = threading.Event(), threading.Event()

    def read(self) -> int:
        number = next(self.numbers)
        if number > 1:
            self.begun.set()
            assert self.may_end.wait(DEADLINE_SECONDS)
        return number


def test_while_one_reads_the_others_have_what_was_read_before():
    slow = Slow()
    reading = Reading(slow.read, age_seconds_max=-1.0, waits_seconds_max=AN_HOUR)
    assert reading.latest() == 1
    with ThreadPoolExecutor(1) as pool:
        renewed = pool.submit(reading.latest)
        assert slow.begun.wait(DEADLINE_SECONDS)
        assert reading.latest() == 1
        slow.may_end.set()
        assert renewed.result(DEADLINE_SECONDS) == 2


def test_where_all_wait_one_reads_for_them():
    slow = Slow()
    reading = Reading(slow.read, age_seconds_max=AN_HOUR)
    reading.latest()
    reading.forget()
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(reading.latest) for _ in range(4)]
        assert slow.begun.wait(DEADLINE_SECONDS)
        slow.may_end.set()
        assert [each.result(DEADLINE_SECONDS) for each in asked] == [2, 2, 2, 2]


def test_what_was_being_read_when_somebody_changed_it_is_not_kept():
    slow = Slow()
    reading = Reading(slow.read, age_seconds_max=AN_HOUR)
    reading.latest()
    reading.forget()
    with ThreadPoolExecutor(1) as pool:
        before_the_change = pool.submit(reading.latest)
        assert slow.begun.wait(DEADLINE_SECONDS)
        reading.forget()
        slow.may_end.set()
        assert before_the_change.result(DEADLINE_SECONDS) == 2
    assert reading.latest() == 3
