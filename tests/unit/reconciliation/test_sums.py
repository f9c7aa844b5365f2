"""The tree of sums: everybody's leaf leads to the root, and nothing on the way can be otherwise."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciliation.proof import hashes, sums
from reconciliation.proof.sums import Node, ProofFails, Step

AMOUNTS = st.decimals(min_value=0, max_value=10**20, places=9, allow_nan=False)
OWED = st.lists(AMOUNTS, min_size=1, max_size=40)


def leaf(number: int, amount: Decimal, *, asset: str = "USD") -> Node:
    account_id = UUID(int=number)
    salt = sums.salt(b"a secret", account_id=account_id, asset=asset)
    return sums.leaf(account_id=account_id, asset=asset, amount=amount, salt=salt)


@st.composite
def trees(draw: st.DrawFn) -> tuple[list[Node], int]:
    """Return leaves, and one of them."""
    leaves = [leaf(number, amount) for number, amount in enumerate(draw(OWED))]
    return leaves, draw(st.integers(0, len(leaves) - 1))


@given(OWED)
def test_the_root_has_the_sum_of_all_leaves(owed: list[Decimal]) -> None:
    root = sums.root(leaf(number, amount) for number, amount in enumerate(owed))
    assert root.total == sum(map(Fraction, owed))


@given(trees())
def test_every_leaf_leads_to_the_root(tree: tuple[list[Node], int]) -> None:
    leaves, index = tree
    assert sums.follow(leaves[index], sums.path(leaves, index)) == sums.root(leaves)


@given(trees(), AMOUNTS)
def test_another_amount_leads_elsewhere(tree: tuple[list[Node], int], amount: Decimal) -> None:
    leaves, index = tree
    other = leaf(index, amount)
    led = sums.follow(other, sums.path(leaves, index))
    assert (led == sums.root(leaves)) is (amount == leaves[index].total)


@given(trees(), st.data())
def test_no_step_can_be_changed(tree: tuple[list[Node], int], data: st.DataObject) -> None:
    leaves, index = tree
    steps = sums.path(leaves, index)
    if not steps:
        return
    place = data.draw(st.integers(0, len(steps) - 1))
    step = steps[place]
    more = data.draw(AMOUNTS.filter(bool))
    other = data.draw(
        st.sampled_from(
            [
                Step(not step.is_left, step.node),
                Step(step.is_left, Node(step.node.total + more, step.node.digest)),
                Step(step.is_left, replace(step.node, digest=hashes.root([]).hex())),
            ]
        )
    )
    changed = [*steps[:place], other, *steps[place + 1 :]]
    is_same = other.node == step.node and leaves[index] == step.node
    assert (sums.follow(leaves[index], changed) == sums.root(leaves)) is is_same


@given(trees(), st.data())
def test_no_step_can_be_left_out(tree: tuple[list[Node], int], data: st.DataObject) -> None:
    leaves, index = tree
    steps = sums.path(leaves, index)
    if not steps:
        return
    place = data.draw(st.integers(0, len(steps) - 1))
    led = sums.follow(leaves[index], steps[:place] + steps[place + 1 :])
    assert led.digest != sums.root(leaves).digest


def test_a_sum_below_zero_is_refused_on_either_side() -> None:
    less = Node(Decimal("-0.01"), "00" * 32)
    for is_left in (True, False):
        with pytest.raises(ProofFails):
            sums.follow(leaf(1, Decimal(5)), [Step(is_left, less)])


@given(OWED)
def test_branches_of_a_power_of_two_are_branches_of_the_whole(owed: list[Decimal]) -> None:
    leaves = [leaf(number, amount) for number, amount in enumerate(owed)]
    branches = [sums.root(leaves[start : start + 8]) for start in range(0, len(leaves), 8)]
    assert sums.root(branches) == sums.root(leaves)
    for index, each in enumerate(leaves):
        block = index // 8
        within = sums.path(leaves[block * 8 : block * 8 + 8], index % 8)
        assert sums.follow(each, within + sums.path(branches, block)) == sums.root(leaves)


def test_a_tree_of_nobody_owes_nothing() -> None:
    assert sums.root([]) == sums.EMPTY


def test_the_forest_is_another_when_any_tree_is() -> None:
    one, other = leaf(1, Decimal(5)), leaf(2, Decimal(7), asset="AAPL")
    known = sums.forest_root([("USD", 1, one), ("AAPL", 1, other)])
    assert known == sums.forest_root([("AAPL", 1, other), ("USD", 1, one)])
    assert known != sums.forest_root([("USD", 2, one), ("AAPL", 1, other)])
    assert known != sums.forest_root([("USD", 1, other), ("AAPL", 1, one)])
    assert known != sums.forest_root([("USD", 1, one)])


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=40), st.data())
def test_a_root_is_of_these_leaves_in_this_order(leaves: list[bytes], data: st.DataObject) -> None:
    other = data.draw(st.permutations(leaves)) if leaves else [b"\0" * 32]
    assert (hashes.root(leaves) == hashes.root(other)) is (leaves == other)


def test_the_bytes_of_a_tree_of_three_are_those_of_the_documentation() -> None:
    leaves = [leaf(1, Decimal("10.50")), leaf(2, Decimal("0.25")), leaf(3, Decimal("7"))]
    root = sums.root(leaves)
    assert root.total == Decimal("17.75")
    assert root.digest == "243e4b28a139d37ac2acb3e44f0330183cbda993107679115d75952aebd6af90"
