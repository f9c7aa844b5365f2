"""What is read from the environment outside the settings is listed where people look, too."""

from __future__ import annotations

import re

from trading.parts import PARTS
from trading.settings import BASE_DIR

APPS = {part.place.partition(".")[0] for part in PARTS} | {"accounts", "portfolio", "risk"}
READ = re.compile(r"""environ(?:\.get\(|\[)\s*"([A-Z_]+)\"""")


def test_every_name_that_an_app_reads_by_itself_is_listed():
    sources = [source for app in APPS for source in (BASE_DIR / app).rglob("*.py")]
    read = {name for source in sources for name in READ.findall(source.read_text())}
    page = (BASE_DIR / "docs" / "settings.md").read_text()
    listed = set(re.findall(r"^\| `([A-Z_]+)` \|", page, re.MULTILINE))

    assert "OPENFLOOR_FAILPOINTS" in read, "the pattern finds nothing any more"
    assert read - listed == set()
