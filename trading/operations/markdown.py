"""A text in Markdown as a part of a page: its title, its places, its HTML.

CommonMark and tables. What is HTML in the text is shown as text, an address is one of the web or
one of ours, and nothing has a style of its own: it stands under the policy of every page.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

Where = Callable[[str], str | None]
"""Where what a text names is found, as an address; None where there is no such page."""

_CLOSED: Final = Token("link_close", "a", -1)
_WIDE: Final = '<div class="ops-wide" role="region" aria-label="A table" tabindex="0">'


@dataclass(frozen=True, slots=True)
class Text:
    """`html` is all of it but the title; `places` are what its headings are linked by."""

    title: str
    places: tuple[str, ...]
    html: SafeString


def text_of(source: str, *, linked: Where, named: Where) -> Text:
    """Return a text as a page has it.

    `linked` says where the target of a link is: what it does not know is text without a link.
    `named` says where what stands in bold is: a page of the program, or none.
    """
    tokens = _parser().parse(source)
    title, places = "", []
    for at, token in enumerate(tokens):
        if token.type == "heading_open":
            said = _plain(tokens[at + 1])
            title = title or said
            token.attrSet("id", place_of(said))
            places.append(place_of(said))
        elif token.type == "inline":
            token.children = _with_links(token.children or [], linked, named)
    if tokens and tokens[0].type == "heading_open":
        del tokens[:3]
    html = _parser().renderer.render(tokens, _parser().options, {})
    return Text(title, tuple(places), mark_safe(html))  # noqa: S308 - text of it was escaped


def place_of(heading: str) -> str:
    """Return under which name a heading is linked to, as on the pages of a repository."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _plain(inline: Token) -> str:
    return "".join(child.content for child in inline.children or [])


def _with_links(tokens: Sequence[Token], linked: Where, named: Where) -> list[Token]:
    """Return the parts of a line with links that lead somewhere, those of names in bold too."""
    shown: list[Token] = []
    is_open: list[bool] = []
    for at, token in enumerate(tokens):
        if token.type == "link_open":
            target = str(token.attrGet("href") or "")
            where = target if target.startswith("#") else linked(target)
            is_open.append(where is not None)
            if where is not None:
                shown.append(_link(where))
        elif token.type == "link_close":
            if is_open.pop():
                shown.append(token)
        elif token.type == "text" and at and tokens[at - 1].type == "strong_open" and not is_open:
            where = named(token.content)
            shown += [token] if where is None else [_link(where), token, _CLOSED]
        else:
            shown.append(token)
    return shown


def _link(where: str) -> Token:
    link = Token("link_open", "a", 1, attrs={"href": where, "class": "text-link"})
    if where.startswith("http"):
        link.attrSet("rel", "noreferrer")
    return link


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    parser.add_render_rule("table_open", lambda *_: f"{_WIDE}<table>")
    parser.add_render_rule("table_close", lambda *_: "</table></div>")
    parser.add_render_rule("th_open", lambda _, tokens, at, *__: _cell(tokens[at]))
    parser.add_render_rule("td_open", lambda _, tokens, at, *__: _cell(tokens[at]))
    parser.add_render_rule("image", lambda _, tokens, at, *__: escape(tokens[at].content))
    return parser


def _cell(token: Token) -> str:
    """Begin a cell; one of numbers has a class, where the library would write a style."""
    is_number = "right" in str(token.attrGet("style") or "")
    return f'<{token.tag} class="n">' if is_number else f"<{token.tag}>"
