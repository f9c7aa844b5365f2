"""Two who seal at once: each day has one seal, numbers have no gap, and no row is in two."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import TypeVar

import pytest
from django.db import IntegrityError
from django.utils import timezone

from portfolio.models import Transfer
from reconciliation.models import Seal, SealedBlock
from reconciliation.proof import exporting, keys, proving, sealing
from tests import world
from tests.patience import DEADLINE_SECONDS, until
from tests.racing import on_its_own, waiting

pytestmark = pytest.mark.usefixtures("committed", "seals")

T = TypeVar("T")
MONDAY, TUESDAY = date(2026, 11, 16), date(2026, 11, 17)


def nothing(done: int, total: int) -> None:
    """Be told of progress, and say nothing."""


def seal(day: date, progress: Callable[[int, int], None] = nothing) -> str:
    return sealing.run(day=day, now=timezone.now(), progress=progress)


@pytest.mark.parametrize(("second", "numbers"), [(MONDAY, [1]), (TUESDAY, [1, 2])])
def test_who_comes_second_waits_and_goes_on_from_the_first(second, numbers):
    world.customer(cash="100.00")
    is_in, may_go_on = threading.Event(), threading.Event()

    def slowly(done: int, total: int) -> None:
        is_in.set()
        assert may_go_on.wait(DEADLINE_SECONDS)

    with ThreadPoolExecutor(2) as threads:
        try:
            first = threads.submit(on_its_own, lambda: seal(MONDAY, slowly))
            assert is_in.wait(DEADLINE_SECONDS)
            other = threads.submit(on_its_own, lambda: seal(second))
            until(lambda: other.done() or waiting() == 1)
            assert not other.done()
            world.customer(cash="7.00")  # what is written meanwhile is in the next one
        finally:
            may_go_on.set()
        made = [first.result(DEADLINE_SECONDS), other.result(DEADLINE_SECONDS)]
    found = list(Seal.objects.order_by("number"))
    assert [each.number for each in found] == numbers
    assert [said.split(":")[0] for said in made] == [f"Seal {numbers[0]}", f"Seal {numbers[-1]}"]
    assert [each.content["previous"] for each in found] == ["", found[0].digest][: len(numbers)]
    assert list(exporting.numbers(within=exporting.folder())) == numbers
    listed = Counter(
        key
        for block in SealedBlock.objects.filter(table="portfolio_transfer").order_by("pk")
        for key in block.keys.split("\n")
    )
    expected = Transfer.objects.order_by("pk").values_list("pk", flat=True)[: len(numbers)]
    assert listed == Counter(map(str, expected))
    seal(date(2026, 11, 18))
    assert proving.prove(now=timezone.now(), progress=nothing).findings == ()


def test_without_the_lock_both_would_make_the_same_seal():
    """The race is real: both would number theirs alike, and one would fail."""
    world.customer(cash="100.00")
    both_see_none = threading.Barrier(2)

    def make() -> str:
        with sealing.snapshot():
            assert not Seal.objects.exists()
            both_see_none.wait(DEADLINE_SECONDS)
            return str(sealing._make(MONDAY, timezone.now(), keys.signing(), nothing).number)

    def made() -> str:
        try:
            return make()
        except IntegrityError:
            return "refused"

    with ThreadPoolExecutor(2) as threads:
        both = [threads.submit(on_its_own, made) for _ in range(2)]
        assert sorted(each.result(DEADLINE_SECONDS) for each in both) == ["1", "refused"]
