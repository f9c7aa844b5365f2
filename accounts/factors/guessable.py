"""Is a password among the first that somebody would try? Pure.

Lists of common passwords are lists of short ones, which length refuses already. What people do
to those to make them long enough is what is looked for here (NIST SP 800-63B-4 section 3.1.1.2:
commonly used, expected or compromised; repetitive, sequential, or from the context).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from importlib import import_module
from typing import Final

from django.contrib.auth.password_validation import CommonPasswordValidator

DISTINCT_MIN: Final = 4
OWN_LENGTH_MIN: Final = 5  # how much must be left beside what others know
WORD_LENGTH_MIN: Final = 3
COMMON_LENGTH_MIN: Final = 4
ROWS: Final = (
    "1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "abcdefghijklmnopqrstuvwxyz"
)  # fmt: skip
RUNS: Final = tuple(run for row in ROWS for run in (row * 3, row[::-1] * 3))


def is_guessable(password: str, *, words: Iterable[str]) -> bool:
    """Say whether `password` is repetitive, in sequence, or little more than `words` of the
    person or a common password."""
    text = password.casefold()
    return (
        len(set(text)) < DISTINCT_MIN
        or _is_sequence(text)
        or _is_little_more_than(_parts(words), text)
        or any(_is_little_more_than({part}, text) for part in _common_ends(text))
    )


def _is_sequence(text: str) -> bool:
    """One run along a row of keys or the alphabet, or two: qwertyuiop1234."""
    splits = ((text[:at], text[at:]) for at in range(1, len(text) + 1))
    return any(all(any(part in run for run in RUNS) for part in split) for split in splits)


def _is_little_more_than(known: set[str], text: str) -> bool:
    own = text
    for part in sorted(known, key=len, reverse=True):
        own = own.replace(part, "")
    return own != text and len(re.sub(r"[\W_]", "", own)) < OWN_LENGTH_MIN


def _parts(words: Iterable[str]) -> set[str]:
    parts = {part for word in words for part in re.split(r"[\W_]+", word.casefold())}
    return {part for part in parts if len(part) >= WORD_LENGTH_MIN}


def _common_ends(text: str) -> set[str]:
    """Return the common passwords that `text` begins or ends with."""
    lengths = range(COMMON_LENGTH_MIN, len(text) + 1)
    return {end for length in lengths for end in (text[:length], text[-length:])} & _common()


@lru_cache(maxsize=1)
def _common() -> frozenset[str]:
    """Return two lists of stolen passwords: Django's 20,000, and 20,000 that are not in it."""
    # zxcvbn loads words of all kinds with it: only a process in which passwords are chosen does.
    more = import_module("zxcvbn.frequency_lists").FREQUENCY_LISTS["passwords"]
    return frozenset(CommonPasswordValidator().passwords) | frozenset(more)
