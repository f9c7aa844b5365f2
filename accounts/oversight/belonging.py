"""Whose data a row is: found from the models themselves, so that a new one has its owner too."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any, Final
from uuid import UUID

from django.db.models import Model, Q

from accounts.models import Account, User

DEPTH_MAX: Final = 3
OWNER: Final = "user"
"""What a relation to the person whose data it is is called. Others name members of staff."""


@cache
def paths(model: type[Model]) -> tuple[str, ...]:
    """Return the ways from a row of `model` to the person it belongs to, as fields of a query.

    The shortest ones, through at most `DEPTH_MAX` relations: a transfer has two, of those whom it
    debits and credits. None at all is what belongs to nobody.
    """
    if model is User:
        return ("pk",)
    ways: list[tuple[str, type[Model]]] = [("", model)]
    for _ in range(DEPTH_MAX + 1):
        found = [f"{way}{OWNER}_id" for way, of in ways if _names_owner(of)]
        if found:
            return tuple(found)
        ways = [
            (f"{way}{name}__", related)
            for way, of in ways
            for name, related in _relations(of)
            if related not in (User, of)
        ]
    return ()


def people(model: type[Model], keys: Iterable[Any]) -> set[UUID]:
    """Return to whom the rows of `model` with these primary keys belong; one query a way."""
    wanted, found = list(keys), set[UUID]()
    if not wanted:
        return found
    for path in paths(model):
        rows = model._default_manager.filter(pk__in=wanted).order_by()
        found.update(rows.values_list(path, flat=True).distinct())
    found.discard(None)
    return found


def of_accounts(accounts: Iterable[UUID]) -> set[UUID]:
    """Return whose these accounts are."""
    return people(Account, accounts)


def named_in(texts: Iterable[str]) -> set[UUID]:
    """Return who is named in these texts, by their id or by id or number of an account."""
    words = set(texts)
    ids = {word for word in words if _is_id(word)}
    accounts = Account.objects.filter(Q(pk__in=ids) | Q(number__in=words)).order_by()
    users = User.objects.filter(pk__in=ids).order_by()
    return {*accounts.values_list("user_id", flat=True), *users.values_list("pk", flat=True)}


def _is_id(word: str) -> bool:
    try:
        UUID(word)
    except ValueError:
        return False
    return True


def _names_owner(model: type[Model]) -> bool:
    return (OWNER, User) in _relations(model)


def _relations(model: type[Model]) -> list[tuple[str, type[Model]]]:
    """Return the relations that rows of `model` hold, and what they lead to."""
    return [
        (field.name, field.related_model)
        for field in model._meta.concrete_fields
        if isinstance(field.related_model, type)
    ]
