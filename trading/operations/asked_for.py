"""What an approval is about, as it reads: names in place of ids, what was and what is to be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.urls import reverse

from accounts.models import Account, Approval, User
from marketdata.models import Instrument

BEFORE: Final = "before"
"""Of a change, the values that hold when it is asked for; those wanted are its `values`."""
VALUES: Final = "values"
NOTHING: Final = "not limited"
_MADE_FOR_US: Final = frozenset({"latest_row", "switch"})
"""What of the content is there for whoever carries it out, and says nothing to a reader."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A name and what it is; `link` is the page of what is named."""

    name: str
    text: str
    link: str = ""


def facts(asked: Sequence[Approval]) -> list[list[Fact]]:
    """Return what each of these is about, by three queries for all of them."""
    said = [list(_said(each.content)) for each in asked]
    named = _named({text for each in said for _, text in each})
    return [[_fact(name, text, named) for name, text in each] for each in said]


def words(asked: Approval) -> Iterator[str]:
    """Give every word of it that may name somebody, as it is kept."""
    yield asked.subject
    for _, text in _said(asked.content):
        yield text


def _said(content: Mapping[str, Any], inside: str = "") -> Iterator[tuple[str, str]]:
    before = content.get(BEFORE) or {}
    for name, value in content.items():
        if name == BEFORE or name in _MADE_FOR_US:
            continue
        told = f"{inside}: {_words(name)}" if inside else _words(name)
        if name == VALUES and isinstance(value, Mapping):
            for each in sorted({*value, *before}):
                was, is_to_be = before.get(each, "not limited"), value.get(each, "not limited")
                if was != is_to_be:
                    change = (
                        f"{was} \N{RIGHTWARDS ARROW} {is_to_be}" if BEFORE in content else is_to_be
                    )
                    yield _words(each), str(change)
        elif isinstance(value, Mapping):
            yield from _said(value, told)
        elif value not in (None, "", [], False):
            yield told, str(value)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _named(texts: set[str]) -> dict[str, tuple[str, str]]:
    """Return what the ids among these texts are called, and the page of each."""
    ids = [text for text in texts if _is_id(text)]
    found: dict[str, tuple[str, str]] = {}
    if ids:
        for user in User.objects.filter(pk__in=ids):
            found[str(user.pk)] = (str(user), reverse("admin:accounts_user_change", args=[user.pk]))
        for account in Account.objects.filter(pk__in=ids).select_related("user"):
            where = reverse("operations:customer", args=[account.pk])
            found[str(account.pk)] = (f"{account.number} of {account.user}", where)
        for instrument in Instrument.objects.filter(pk__in=ids):
            where = reverse("admin:marketdata_instrument_change", args=[instrument.pk])
            found[str(instrument.pk)] = (instrument.symbol, where)
    return found


def _fact(name: str, text: str, named: Mapping[str, tuple[str, str]]) -> Fact:
    if text in named:
        return Fact(name, *named[text])
    return Fact(name, _time(text) if name.endswith((" at", " from", " until")) else text)


def _time(text: str) -> str:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    return f"{at:%Y-%m-%d %H:%M:%S} UTC" if "T" in text else text


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
