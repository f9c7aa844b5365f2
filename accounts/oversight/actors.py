"""Who acted, as people read it: histories and activities name them by their ids."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from accounts.models import User

_PERSON: Final = re.compile(
    r"\b(?:user|operator):([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\b"
)


def named(texts: Iterable[str]) -> dict[str, str]:
    """Return each of these texts with the e-mail of whomever it names; one query for all.

    "operator:ID and operator:ID" has two of them. Rules, keys, and people whom nobody knows any
    more stay as they are.
    """
    wanted = set(texts)
    ids = {found for text in wanted for found in _PERSON.findall(text)}
    if not ids:
        return {text: text for text in wanted}
    rows = User.objects.filter(pk__in=ids).values_list("pk", "email")
    people = {str(key): email for key, email in rows}
    return {
        text: _PERSON.sub(lambda found: people.get(found[1], found[0]), text) for text in wanted
    }
