"""What a customer is owed is in the total: shown by a file that a script of its own checks."""

from __future__ import annotations

import json
import subprocess
import sys
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from portfolio.models import Balance
from reconciliation.models import OwedBlock
from reconciliation.proof import exporting, liabilities, sums
from tests import world
from tests.sealing import sealed
from trading.settings import BASE_DIR

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seals")]

SCRIPT = BASE_DIR / "docs" / "verify_proof.py"


@pytest.fixture
def owners(db, monkeypatch):
    """Five who own, in blocks of two leaves; one who owes; and one who has nothing."""
    monkeypatch.setattr(liabilities, "BLOCK_LEAVES", 2)
    world.instrument()
    venue = world.Venue()
    made = [world.customer(cash=f"{number}000.10") for number in range(1, 6)]
    world.own(made[0], "AAPL", "5", venue, price="100.00")
    world.own(made[1], "AAPL", "3", venue, price="100.00")
    owing = world.customer(cash="1.00")
    Balance.objects.filter(account=owing).update(amount=Decimal(-700), may_be_negative=True)
    return [*made, owing, world.customer(cash="0")]


def shown(account, seal):
    return json.loads(json.dumps(liabilities.proof(account_id=account.pk, seal=seal)))


def checked(path, proof, *more):
    path.write_text(json.dumps(proof))
    return subprocess.run(
        [sys.executable, "-I", str(SCRIPT), str(path), *more],
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_totals_are_what_customers_have_and_no_debit_lessens_them(owners):
    seal = sealed(0)
    assets = seal.content["liabilities"]["assets"]
    cash = sum(Balance.objects.filter(asset="USD", amount__gt=0).values_list("amount", flat=True))
    assert (assets["USD"]["total"], assets["USD"]["leaves"]) == (f"{cash.normalize():f}", 5)
    assert (assets["AAPL"]["total"], assets["AAPL"]["leaves"]) == ("8", 2)


def test_everybody_who_is_owed_finds_the_way_to_the_root(owners):
    seal = sealed(0)
    trees = seal.content["liabilities"]["assets"]
    for account in owners:
        proof = shown(account, seal)
        balances = Balance.objects.filter(account=account, amount__gt=0)
        assert {(o["asset"], Decimal(o["amount"])) for o in proof["owed"]} == set(
            balances.values_list("asset", "amount")
        )
        for owed in proof["owed"]:
            leaf = sums.leaf(
                account_id=account.pk,
                asset=owed["asset"],
                amount=Decimal(owed["amount"]),
                salt=bytes.fromhex(owed["salt"]),
            )
            steps = [
                sums.Step(step["side"] == "left", sums.Node(Decimal(step["sum"]), step["hash"]))
                for step in owed["path"]
            ]
            root = sums.follow(leaf, steps)
            tree = trees[owed["asset"]]
            assert (root.total, root.digest) == (Decimal(tree["total"]), tree["root"])


def test_nobody_else_is_named_and_the_salts_of_another_day_are_others(owners):
    first, second = shown(owners[0], sealed(0)), shown(owners[0], sealed(1))
    for other in owners[1:]:
        assert str(other.pk) not in json.dumps(first)
    assert {o["salt"] for o in first["owed"]}.isdisjoint(o["salt"] for o in second["owed"])


def test_the_script_accepts_what_is_true(owners, tmp_path):
    seal = sealed(0)
    file = exporting.file_of(seal.number)
    found = checked(
        tmp_path / "proof.json", shown(owners[0], seal), "--seal", str(file), "--key", seal.key
    )
    assert (found.returncode, found.stderr) == (0, "")
    lines = found.stdout.splitlines()
    assert lines[0].startswith("Seal 1 of 2026-11-16, signed with")
    total = seal.content["liabilities"]["assets"]["USD"]["total"]
    assert lines[1:] == ["  5 AAPL of yours is in 8", f"  500.1 USD of yours is in {total}"]


def _more(proof):
    proof["owed"][0]["amount"] = "6"


def _below_zero(proof):
    proof["owed"][1]["path"][0]["sum"] = "-1"


def _other_sum(proof):
    proof["owed"][1]["path"][-1]["sum"] += "1"


def _other_side(proof):
    step = proof["owed"][0]["path"][0]
    step["side"] = "left" if step["side"] == "right" else "right"


def _short(proof):
    proof["owed"][1]["path"].pop()


def _other_account(proof):
    proof["account"] = "5b1c1b7e-0000-4000-8000-000000000001"


def _other_total(proof):
    proof["seal"]["content"]["liabilities"]["assets"]["USD"]["total"] = "1"


def _other_signature(proof):
    signature = proof["seal"]["signature"]
    proof["seal"]["signature"] = ("0" if signature[0] != "0" else "1") + signature[1:]


def _twice(proof):
    proof["owed"].append(proof["owed"][0])


@pytest.mark.parametrize(
    "tamper",
    [
        _more, _below_zero, _other_sum, _other_side, _short, _other_account, _other_total,
        _other_signature, _twice,
    ],
)  # fmt: skip
def test_the_script_refuses_what_was_tampered_with(owners, tmp_path, tamper):
    proof = shown(owners[0], sealed(0))
    tamper(proof)
    found = checked(tmp_path / "proof.json", proof)
    assert found.returncode == 1
    assert found.stderr.startswith("DOES NOT HOLD: ")
    assert found.stdout == ""


def test_the_script_refuses_another_seal_and_another_key(owners, tmp_path):
    first, second = sealed(0), sealed(1)
    proof, path = shown(owners[0], second), tmp_path / "proof.json"
    other = checked(path, proof, "--seal", str(exporting.file_of(first.number)))
    assert "the seal elsewhere is another" in other.stderr
    assert checked(path, proof, "--key", "11" * 32).returncode == 1


def test_the_command_prints_the_proof_of_an_account(owners):
    seal, written = sealed(0), StringIO()
    call_command("prove", account=owners[0].number, stdout=written)
    assert json.loads(written.getvalue()) == shown(owners[0], seal)
    by_id = StringIO()
    call_command("prove", account=str(owners[0].pk), stdout=by_id)
    assert by_id.getvalue() == written.getvalue()
    with pytest.raises(CommandError, match="no account"):
        call_command("prove", account="nobody")


def test_before_the_first_seal_there_is_nothing_to_prove_it_with(owners):
    with pytest.raises(CommandError, match="No day was sealed"):
        call_command("prove", account=owners[0].number)
    assert not OwedBlock.objects.exists()
