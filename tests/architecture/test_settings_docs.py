"""What can be set is written down where people look, and what is written down can be set."""

from __future__ import annotations

import re

from trading.settings import BASE_DIR

DOCUMENT = (BASE_DIR / "docs" / "settings.md").read_text()
READ_HERE = re.compile(r"""env(?:\.\w+)?\(\s*"([A-Z_]+)\"""")
READ_ANYWHERE = re.compile(r"""environ(?:\.get\(|\[)\s*"([A-Z_]+)\"""")


def names_in(pattern: re.Pattern[str], *folders: str) -> set[str]:
    files = [file for folder in folders for file in BASE_DIR.glob(folder)]
    return {name for file in files for name in pattern.findall(file.read_text())}


def documented() -> set[str]:
    return set(re.findall(r"^\| `([A-Z_]+)` \|", DOCUMENT, re.MULTILINE))


def test_every_setting_is_documented():
    settings = names_in(READ_HERE, "trading/settings.py")

    assert "OPENFLOOR_HOME" in settings, "the pattern finds nothing any more"
    assert settings - documented() == set()


def test_every_other_name_that_the_program_reads_is_documented():
    apps = ("accounts", "analytics", "foundation", "marketdata", "orders", "portfolio")
    rest = ("reconciliation", "risk", "trading", "venues")
    read = names_in(READ_ANYWHERE, *(f"{app}/**/*.py" for app in (*apps, *rest)))

    assert "OPENFLOOR_FAILPOINTS" in read
    assert read - documented() == set()


def test_nothing_documented_is_read_by_nobody():
    everything = names_in(READ_HERE, "trading/settings.py") | names_in(
        READ_ANYWHERE, "foundation/*.py", "trading/**/*.py", "tests/**/*.py"
    )

    assert documented() - everything == set()
