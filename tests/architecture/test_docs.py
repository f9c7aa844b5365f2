"""What is written down is all there is."""

from __future__ import annotations

import re

from trading.parts import PARTS
from trading.settings import BASE_DIR


def test_every_setting_is_listed():
    source = (BASE_DIR / "trading" / "settings.py").read_text()
    read = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', source))
    listed = set(re.findall(r"^\| `([A-Z_]+)` \|", settings_page(), re.MULTILINE))

    assert read <= listed
    assert listed - read == {"OPENFLOOR_FAILPOINTS", "OPENFLOOR_BENCHMARK"}


def test_every_part_is_listed_with_its_roles():
    for part in PARTS:
        assert part.name == "wakeups" or f"`{part.name}`" in settings_page()


def test_every_dependency_says_what_it_earns_its_place_with():
    wanted = set()
    for line in (BASE_DIR / "requirements.in").read_text().splitlines():
        if line and not line.startswith("#"):
            wanted.add(re.split(r"[\[<~=;]", line)[0].strip())
    decision = (BASE_DIR / "docs" / "adr" / "0002-dependencies.md").read_text()
    rows = re.findall(r"^\| ([^|]+) \|", decision, re.MULTILINE)
    explained = {name.split()[0] for row in rows for name in row.split(",")}

    assert wanted - explained == set()


def test_the_glossary_has_each_word_once_and_in_its_place():
    glossary = (BASE_DIR / "docs" / "glossary.md").read_text().partition("|---|---|\n")[2]
    words = [word.lower() for word in re.findall(r"^\| ([^|]+?) \|", glossary, re.MULTILINE)]

    assert len(words) > 190
    assert words == sorted(set(words))


def settings_page() -> str:
    return (BASE_DIR / "docs" / "settings.md").read_text()
