"""What clients can be told by code is in docs/api.md, and nothing else is."""

from __future__ import annotations

import re

from trading.settings import BASE_DIR
from venues import reasons

DOCS = (BASE_DIR / "docs" / "api.md").read_text()


def test_every_reason_of_a_failed_call_is_documented() -> None:
    sources = [path.read_text() for path in (BASE_DIR / "trading").rglob("*.py")]
    told = {reason for text in sources for reason in re.findall(r'reason="([a-z_]+)"', text)}
    assert len(told) > 10
    assert {reason for reason in told if f"`{reason}`" not in DOCS} == set()


def test_the_venues_codes_are_those_of_the_table() -> None:
    _, _, rest = DOCS.partition("### What the venue can say")
    table, _, _ = rest.partition("\n## ")
    assert dict(re.findall(r"^\| `([a-z_]+)` \| (.+) \|$", table, re.MULTILINE)) == (
        reasons.SENTENCES
    )
