"""Text can be read on every ground, in both themes and with both pairs of colours."""

from __future__ import annotations

import re

import pytest

from trading.settings import BASE_DIR

CONTRAST_MIN = 4.5
TEXT = ("text-1", "text-2", "text-3", "accent", "up", "down", "warn", "danger")
GROUNDS = ("bg-0", "bg-1", "bg-2", "bg-3")
NOTICES = ("warn-bg", "danger-bg")
PAIRS = (
    *((text, ground) for text in TEXT for ground in GROUNDS),
    ("on-accent", "accent-fill"),
    ("on-accent", "accent-fill-hover"),
    ("on-up", "up-fill"),
    ("on-down", "down-fill"),
    ("warn", "warn-bg"),
    ("danger", "danger-bg"),
    *((text, ground) for text in ("text-1", "text-2", "text-3", "accent") for ground in NOTICES),
    ("text-1", "up-flash"),
    ("text-1", "down-flash"),
)
LIGHTNESS_RATIO_MIN = 1.3  # between up and down

Palette = dict[str, tuple[str, str]]


def palettes() -> dict[str, Palette]:
    """Return each palette's tokens, each with its light and its dark colour."""
    first, blue_orange = (
        (BASE_DIR / "static/css/tokens.css").read_text().split("[data-colours=", maxsplit=1)
    )
    base = _tokens(first)
    return {"green-red": base, "blue-orange": {**base, **_tokens(blue_orange)}}


def _tokens(css: str) -> Palette:
    found = re.finditer(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", css)
    return {match[1]: (match[2], match[3]) for match in found}


def luminance(colour: str) -> float:
    """Return the relative luminance of #rrggbb (WCAG 2.2)."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("name", ["green-red", "blue-orange"])
def test_text_stands_out_from_its_ground(name: str, theme: int) -> None:
    palette = palettes()[name]
    weak = [
        (text, ground, round(ratio, 2))
        for text, ground in PAIRS
        if (ratio := contrast(palette[text][theme], palette[ground][theme])) < CONTRAST_MIN
    ]
    assert weak == []


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("name", ["green-red", "blue-orange"])
def test_up_is_lighter_than_down(name: str, theme: int) -> None:
    up, down = (palettes()[name][token][theme] for token in ("up", "down"))
    assert luminance(up) > luminance(down)
    assert contrast(up, down) >= LIGHTNESS_RATIO_MIN


def test_no_style_sheet_names_a_colour_of_its_own() -> None:
    sheets = [s for s in (BASE_DIR / "static/css").glob("*.css") if s.name != "tokens.css"]
    found = {
        sheet.name: re.findall(r"#[0-9a-f]{3,8}\b|rgba?\(", sheet.read_text()) for sheet in sheets
    }
    assert {name: colours for name, colours in found.items() if colours} == {}
