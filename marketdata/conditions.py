"""What the conditions of a sale mean for last price, high and low, and volume. Pure.

After the tables of the two US tapes: the CTA plan's (tapes A and B) and the UTP plan's (tape C)
output specifications, sections on sale conditions. What they let set a consolidated last price only
where there was no other print yet sets none here. Prints of extended hours set the last price of
their own session.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple


class Effect(NamedTuple):
    """What a print counts for. It counts where all of its conditions let it."""

    sets_last: bool
    sets_range: bool
    is_volume: bool


REGULAR: Final = Effect(sets_last=True, sets_range=True, is_volume=True)
LATE: Final = Effect(sets_last=False, sets_range=True, is_volume=True)
ASIDE: Final = Effect(sets_last=False, sets_range=False, is_volume=True)
NO_TRADE: Final = Effect(sets_last=False, sets_range=False, is_volume=False)
CORRECTED: Final = Effect(sets_last=True, sets_range=True, is_volume=False)

_BOTH: Final[Mapping[str, Effect]] = {
    " ": REGULAR,
    "@": REGULAR,
    "C": ASIDE,  # cash
    "F": REGULAR,  # intermarket sweep
    "H": ASIDE,  # price variation
    "I": ASIDE,  # odd lot
    "K": REGULAR,  # rule 127 or 155
    "L": LATE,  # sold last: late, and in sequence
    "M": NO_TRADE,  # a market's official close
    "N": ASIDE,  # next day
    "O": REGULAR,  # opening
    "P": LATE,  # prior reference price
    "Q": NO_TRADE,  # a market's official open
    "R": ASIDE,  # seller
    "T": REGULAR,  # extended hours
    "U": ASIDE,  # extended hours, out of sequence
    "V": ASIDE,  # contingent
    "X": REGULAR,  # cross
    "Z": LATE,  # sold, out of sequence
    "4": LATE,  # derivatively priced
    "5": REGULAR,  # reopening
    "6": REGULAR,  # closing
    "7": ASIDE,  # qualified contingent
    "8": REGULAR,  # placeholder
    "9": CORRECTED,  # corrected consolidated close
}

TAPES: Final[Mapping[str, Mapping[str, Effect]]] = {
    "CTA": {**_BOTH, "B": ASIDE, "E": REGULAR},  # average price; automatic execution
    "UTP": {
        **_BOTH,
        "A": REGULAR,  # acquisition
        "B": REGULAR,  # bunched
        "D": REGULAR,  # distribution
        "G": LATE,  # bunched and sold
        "S": REGULAR,  # split
        "W": ASIDE,  # average price
        "Y": REGULAR,  # yellow flag
        "1": REGULAR,  # stopped
    },
}

_CLASS_OF_BIT: Final[Mapping[int, Effect]] = {
    0x2: ASIDE,  # cash
    0x4: ASIDE,  # next day
    0x8: ASIDE,  # seller
    0x200: LATE,  # derivatively priced
    0x800: LATE,  # sold last
    0x4000: LATE,  # out of sequence
    0x40000: ASIDE,  # stock and option
    0x100000: ASIDE,  # average price
    0x400000: ASIDE,  # price variation
    0x1000000: NO_TRADE,  # official close
    0x2000000: LATE,  # prior reference price
    0x4000000: NO_TRADE,  # official open
    0x80000000: ASIDE,  # odd lot
}


def effect(conditions: Iterable[str], *, tape: str) -> Effect:
    """Return what a print with these `conditions` of `tape`, CTA or UTP, counts for.

    A condition that the tape does not know keeps a print out of everything but the volume.
    """
    table = TAPES[tape]
    return _together(table.get(condition, ASIDE) for condition in conditions)


def effect_of_mask(mask: int) -> Effect:
    """Return what a recorded print counts for, by the bits of its `cond_hex`."""
    return _together(effect for bit, effect in _CLASS_OF_BIT.items() if mask & bit)


def _together(effects: Iterable[Effect]) -> Effect:
    found = [REGULAR, *effects]
    return Effect(*(all(column) for column in zip(*found, strict=True)))
