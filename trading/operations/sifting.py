"""Which of what waits for a second person is looked at: for whom, of which kind, which page."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final, TypeAlias
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.db.models import Case, Count, IntegerField, QuerySet, Value, When

from accounts.models import Approval, User

PAGE: Final = 20
_DIGITS_MAX: Final = 6


class Whose(IntEnum):
    """For whom something waits, in the order in which it concerns whoever looks."""

    YOURS = 0
    ASKED = 1
    OTHERS = 2

    @property
    def words(self) -> str:
        return {0: "For you to decide", 1: "Asked by you", 2: "For others to decide"}[self]


Ranked: TypeAlias = "QuerySet[Any]"
"""Approvals with what `ranked` adds to them."""


@dataclass(frozen=True, slots=True)
class Sift:
    """What is asked for; without `whose` or `kind` it is all of it."""

    whose: Whose | None = None
    kind: str = ""
    page: int = 1

    @property
    def query(self) -> str:
        """Return it as the query of an address, with its question mark; "" where it is all."""
        told = {
            "whose": "" if self.whose is None else self.whose.name.lower(),
            "kind": self.kind,
            "page": "" if self.page == 1 else self.page,
        }
        said = urlencode({name: value for name, value in told.items() if value})
        return f"?{said}" if said else ""


def asked(query: Mapping[str, str]) -> Sift:
    """Read what is asked for; what makes no sense is as if it were not there."""
    whose, kind, page = (query.get(name, "") for name in ("whose", "kind", "page"))
    is_page = page.isascii() and page.isdigit() and len(page) <= _DIGITS_MAX
    return Sift(
        whose=next((each for each in Whose if each.name.lower() == whose), None),
        kind=kind.replace("\0", ""),
        page=int(page) if is_page else 1,
    )


def ranked(waiting: QuerySet[Approval], *, by: User, decides_on: Collection[str]) -> Ranked:
    """Return the approvals with their `whose`, those first that concern `by`, each oldest first.

    `decides_on` are the kinds that the roles of `by` decide on.
    """
    whose = Case(
        When(asked_by=by, then=Value(Whose.ASKED.value)),
        When(kind__in=list(decides_on), then=Value(Whose.YOURS.value)),
        default=Value(Whose.OTHERS.value),
        output_field=IntegerField(),
    )
    return waiting.annotate(whose=whose).order_by("whose", "asked_at", "pk")


def counts(found: Ranked) -> dict[tuple[Whose, str], int]:
    """Return how many wait for whom, of each kind."""
    rows = found.order_by("whose", "kind").values_list("whose", "kind").annotate(count=Count("pk"))
    return {(Whose(whose), kind): count for whose, kind, count in rows}


def page(found: Ranked, sift: Sift) -> Page[Any]:
    """Return the page that is asked for; beyond the last one it is the last."""
    if sift.whose is not None:
        found = found.filter(whose=sift.whose.value)
    if sift.kind:
        found = found.filter(kind=sift.kind)
    return Paginator(found, PAGE).get_page(sift.page)
