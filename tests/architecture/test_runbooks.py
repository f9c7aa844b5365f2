"""A runbook is read in a hurry: every command, page and setting that one names is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.contrib import admin
from django.core.management import get_commands, load_command_class

from trading.operations import sidebar
from trading.settings import BASE_DIR

PAGES = sorted((BASE_DIR / "docs" / "runbooks").glob("*.md"))
COMMAND = re.compile(r"manage\.py ([a-z_]+)([^\n`]*)")
OPTION = re.compile(r"(?<=\s)(--[a-z-]+)")
PLACE = re.compile(r"\*\*([A-Z][a-z]+) → ([^*→]+)")
SETTING = re.compile(r"`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)`")
LINK = re.compile(r"\]\(([^)#]*)(#[^)]*)?\)")


def commands(page: Path) -> list[tuple[str, list[str]]]:
    """Return the commands that a page names, each with its options."""
    return [
        (name, OPTION.findall(rest.partition("  #")[0]))
        for name, rest in COMMAND.findall(page.read_text())
    ]


def places() -> set[str]:
    """Return what the admin's pages are called, wherever they are listed."""
    listed = {str(model._meta.verbose_name_plural) for model in admin.site._registry}
    shown = {name for _, entries in sidebar.GROUPS for name, _, _ in entries}
    return {name.casefold() for name in listed | shown}


def page_id(page: Path) -> str:
    return page.stem


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_every_command_is_there_with_its_options(page):
    known = get_commands()
    for name, options in commands(page):
        assert name in known, f"manage.py {name}"
        app = known[name]
        command = app if not isinstance(app, str) else load_command_class(app, name)
        parser = command.create_parser("manage.py", name)
        there = {option for action in parser._actions for option in action.option_strings}
        assert set(options) <= there, f"manage.py {name}"


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_every_page_of_the_admin_is_there(page):
    named = {place.strip().casefold() for _, place in PLACE.findall(page.read_text())}
    assert named - places() == set()


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_every_setting_is_there(page):
    settings = (BASE_DIR / "docs" / "settings.md").read_text()
    listed = set(re.findall(r"^\| `([A-Z_]+)` \|", settings, re.MULTILINE))
    assert set(SETTING.findall(page.read_text())) - listed == set()


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_every_link_leads_somewhere(page):
    for target, anchor in LINK.findall(page.read_text()):
        if target.startswith("http"):
            continue
        there = (page.parent / target) if target else page
        assert there.exists(), target
        if anchor:
            assert anchor.removeprefix("#") in anchors(there), f"{target}{anchor}"


def anchors(page: Path) -> set[str]:
    """Return what the headings of a page are linked by."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


def test_the_patterns_find_what_they_are_for():
    named = {name for page in PAGES for name, _ in commands(page)}
    assert {"kill_switch", "check_invariants", "restore", "corporate_action"} <= named
    options = {o for page in PAGES for name, given in commands(page) for o in given}
    assert {"--firm", "--to", "--into", "--release"} <= options
    assert any(PLACE.findall(page.read_text()) for page in PAGES)
    assert any(SETTING.findall(page.read_text()) for page in PAGES)
