"""Rows found by a word, each by an index: the word is what a field says, and no part of it.

A field of another table is looked up there first, and the rows are found by the key that leads to
it. A list searched by `LIKE`, or through a join, is read from its first row to its last.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db.models import Field, Model, Q, QuerySet
from django.db.models.constants import LOOKUP_SEP
from django.utils.text import smart_split

OWNERS_MAX: Final = 1_000
"""So many rows of another table may have what was asked for: numbers and symbols have one."""


def by_words(rows: QuerySet[Any], fields: Iterable[str], told: str) -> QuerySet[Any]:
    """Return those of `rows` of which each word of `told` is what one of `fields` says, whole.

    `fields` are paths of a query: "id", "account__number", of texts where they lead to another
    table. There a word is also looked for in capitals and in small letters. What has spaces in it
    stands in quotes.
    """
    paths = list(fields)
    for word in smart_split(told.replace("\0", "")):
        is_quoted = len(word) > 1 and word[0] == word[-1] and word[0] in "\"'"
        rows = rows.filter(_found(rows.model, paths, word[1:-1] if is_quoted else word))
    return rows


def _found(model: type[Model], paths: list[str], word: str) -> Q:
    named, said = Q(), Q(pk__in=[])
    for path in paths:
        relation, _, rest = path.partition(LOOKUP_SEP)
        field = model._meta.get_field(relation)
        if rest:
            owners = _owners(field.related_model, rest, word)
            named |= Q(**{f"{relation}__in": owners}) if owners else Q()
        elif isinstance(field, Field) and _says(field, word):
            said |= Q(**{relation: word})
    return named or said  # whom a number names is meant: nothing else is called so


def _owners(related: Any, rest: str, word: str) -> list[Any]:
    """Return the keys of the rows of another table whose `rest` says the word."""
    written = sorted({word, word.upper(), word.lower()})
    rows = related._default_manager.filter(**{f"{rest}__in": written}).order_by()
    return list(rows.values_list("pk", flat=True)[:OWNERS_MAX])


def _says(field: Field[Any, Any], word: str) -> bool:
    """Tell whether a field of this kind can say the word at all."""
    try:
        field.to_python(word)
    except (ValidationError, OverflowError):
        return False
    return True
