"""What is kept as JSON, as people read it: tables of names and values in place of braces."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

NOTHING: Final = "\N{EN DASH}"
_NUMBER: Final = re.compile(r"[-\N{MINUS SIGN}]?[0-9,]+(\.[0-9]+)?")


def laid_out(kept: Any) -> SafeString:
    """Return `kept` in HTML: an object is a table of two columns, a list of objects one of many.

    A text that is safe HTML stays as it is; all others are escaped.
    """
    match kept:
        case _ if kept in (None, "", [], {}):
            return SafeString(NOTHING)
        case bool():
            return SafeString("yes" if kept else "no")
        case Mapping():
            return _table((), ((_head("row", name), [value]) for name, value in kept.items()))
        case list() if all(isinstance(each, Mapping) for each in kept):
            names = list(dict.fromkeys(name for each in kept for name in each))
            return _table(names, (("", [each.get(name) for name in names]) for each in kept))
        case list() if all(isinstance(each, list) for each in kept):
            return _table((), (("", each) for each in kept))
        case list() if any(isinstance(each, Mapping | list) for each in kept):
            return _table((), (("", [each]) for each in kept))
        case list():
            return format_html("{}", ", ".join(map(str, kept)))
    return format_html("{}", kept)


def _table(names: Sequence[str], rows: Iterable[tuple[str, Sequence[Any]]]) -> SafeString:
    heads = format_html_join("", "{}", ((_head("col", name),) for name in names))
    lines = format_html_join(
        "",
        "<tr>{}{}</tr>",
        (
            (head, format_html_join("", "{}", ((_cell(each),) for each in row)))
            for head, row in rows
        ),
    )
    top = format_html("<thead><tr>{}</tr></thead>", heads) if names else ""
    return format_html('<table class="kept">{}<tbody>{}</tbody></table>', top, lines)


def _head(scope: str, name: str) -> SafeString:
    return format_html('<th scope="{}">{}</th>', scope, name.replace("_", " "))


def _cell(kept: Any) -> SafeString:
    is_number = _NUMBER.fullmatch(str(kept))
    return format_html('<td class="n">{}</td>' if is_number else "<td>{}</td>", laid_out(kept))
