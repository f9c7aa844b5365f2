"""What a print counts for is the tape's to say."""

from __future__ import annotations

import pytest

from marketdata import conditions
from marketdata.conditions import ASIDE, CORRECTED, LATE, NO_TRADE, REGULAR, Effect


@pytest.mark.parametrize(
    ("told", "tape", "effect"),
    [
        ("", "CTA", REGULAR),
        ("@", "UTP", REGULAR),
        ("@F", "UTP", REGULAR),
        ("@FI", "UTP", ASIDE),  # a sweep in an odd lot
        ("B", "CTA", ASIDE),  # an average price there,
        ("B", "UTP", REGULAR),  # bunched here
        ("W", "UTP", ASIDE),
        ("@4", "UTP", LATE),
        ("@4I", "UTP", ASIDE),
        ("M", "CTA", NO_TRADE),
        ("9", "CTA", CORRECTED),
        ("T", "CTA", REGULAR),
        ("TI", "CTA", ASIDE),
        ("?", "CTA", ASIDE),  # nobody knows what it means
    ],
)
def test_all_conditions_of_a_print_must_let_it_count(told: str, tape: str, effect: Effect) -> None:
    assert conditions.effect(told, tape=tape) == effect


@pytest.mark.parametrize(
    ("mask", "effect"),
    [
        (0x1, REGULAR),
        (0x20000020, REGULAR),
        (0x20002020, REGULAR),  # a sweep in extended hours
        (0x20200080, REGULAR),  # the closing cross
        (0x20000200, LATE),
        (0x4800, LATE),
        (0x106000, ASIDE),
        (0x20000002, ASIDE),
        (0x1000000, NO_TRADE),
        (0x4000000, NO_TRADE),
    ],
)
def test_recorded_masks_say_the_same(mask: int, effect: Effect) -> None:
    assert conditions.effect_of_mask(mask) == effect
