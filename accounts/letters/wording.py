"""What our letters say: plain-text files beside this module, filled in with facts. Pure.

The first line of `texts/KIND.txt` is the subject, the rest the letter; `{name}` stands for a fact.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).with_name("texts")
SUBJECT_LENGTH_MAX: Final = 200
FACT_LENGTH_MAX: Final = 400

Fact = str | int | datetime


class UnknownLetter(LookupError):
    """There is no text for a letter of this kind."""


class FactsMissing(ValueError):
    """The letter's text asks for facts that were not given."""


@dataclass(frozen=True, slots=True)
class Wording:
    """A letter as it is sent."""

    subject: str
    text: str


def kinds() -> tuple[str, ...]:
    """Return every kind of letter that there is a text for."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.txt")))


def facts_of(kind: str) -> frozenset[str]:
    """Return which facts the text of `kind` asks for. Raises UnknownLetter."""
    named = (name for _, name, _, _ in string.Formatter().parse(_text_of(kind)))
    return frozenset(name for name in named if name)


def compose(kind: str, facts: Mapping[str, Fact]) -> Wording:
    """Return the letter of this kind with these facts. Raises UnknownLetter, FactsMissing."""
    missing = facts_of(kind) - facts.keys()
    if missing:
        raise FactsMissing(f"{kind} needs {', '.join(sorted(missing))}")
    whole = _text_of(kind).format_map({name: _said(fact) for name, fact in facts.items()})
    subject, _, text = whole.partition("\n")
    return Wording(subject[:SUBJECT_LENGTH_MAX], f"{text.strip()}\n")


def _said(fact: Fact) -> str:
    """Return a fact as one line: what a browser or a form told us must not become a paragraph."""
    if isinstance(fact, datetime):
        return f"{fact.astimezone(UTC):%d %B %Y, %H:%M} UTC"
    text = "".join(each if each.isprintable() else " " for each in str(fact))
    return text.strip()[:FACT_LENGTH_MAX]


@cache
def _text_of(kind: str) -> str:
    try:
        return (FOLDER / f"{kind}.txt").read_text()
    except FileNotFoundError:
        raise UnknownLetter(kind) from None
