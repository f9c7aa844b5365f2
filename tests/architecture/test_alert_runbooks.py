"""Whoever is told of an alert is told what to do: every kind has a place in a runbook."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import pytest

from risk.findings import Kind
from risk.surveillance import runbooks
from trading.operations.runbooks import FOLDER, read
from trading.settings import BASE_DIR

ROOMS = ("accounts", "marketdata", "venues", "portfolio", "risk", "orders", "reconciliation",
         "analytics", "trading")  # fmt: skip
RAISING = {"raise_alert", "Finding"}


def kinds_in(path: Path) -> Iterator[str]:
    """Give the kinds of alert that this module raises, as far as its text says them."""
    text = path.read_text()
    if not any(name in text for name in RAISING):
        return
    tree = ast.parse(text)
    named = {
        node.targets[0].id if isinstance(node, ast.Assign) else node.target.id: node.value.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign | ast.AnnAssign)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
        and isinstance(node.targets[0] if isinstance(node, ast.Assign) else node.target, ast.Name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _called(node) in RAISING:
            for keyword in node.keywords:
                if keyword.arg == "kind":
                    yield from _texts(keyword.value, named)


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _texts(value: ast.expr, named: dict[str, str]) -> Iterator[str]:
    if isinstance(value, ast.Constant):
        yield str(value.value)
    elif isinstance(value, ast.Name) and value.id in named:
        yield named[value.id]
    elif isinstance(value, ast.IfExp):
        yield from _texts(value.body, named)
        yield from _texts(value.orelse, named)


@lru_cache
def every_kind() -> frozenset[str]:
    found = {kind.value for kind in Kind}
    for room in ROOMS:
        for path in (BASE_DIR / room).rglob("*.py"):
            found |= set(kinds_in(path))
    return frozenset(found)


def test_the_kinds_that_are_raised_are_found_in_the_text():
    assert {"feed_lost", "surveillance_failed", "switch_engaged", "wash_trade"} <= every_kind()


def test_every_kind_of_alert_has_a_place_of_its_own():
    assert every_kind() - set(runbooks.PLACES) == set()


@pytest.mark.parametrize("kind", sorted(runbooks.PLACES))
def test_the_place_is_there(kind):
    page, _, place = runbooks.place(kind).partition("#")
    path = FOLDER / f"{page}.md"
    assert path.exists()
    assert place in read(path).places
