"""What a risk decision costs: `python -m benchmarks.risk`.

Microseconds of the pure checks for one order, of writing its inputs down and of making the
decision again; and the statements of a lone order and of batches, of which none is per order.
Times are of the processor, in this process.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from decimal import Decimal
from statistics import median

from benchmarks import stage  # first: it says where the settings are read from

# isort: split
import orjson
from django.utils import timezone

from accounts.models import Account
from foundation import bulk, trips
from orders.entry import submission
from risk import checks, records, services
from risk.checks import Proposal, Situation
from risk.limits import book as limit_book
from risk.models import Decision
from tests import world

ROUNDS = 20
CALLS = 2_000


def main() -> None:
    stage.set_up()
    world.instrument(bid="99.99", ask="100.00")
    accounts = [world.customer(cash="100000000.00") for _ in range(64)]
    for account in accounts:
        submission.submit_batch([world.limit_ticket(account, "90.00")])  # warm
    decisions(accounts)
    statements(accounts)


def decisions(accounts: list[Account]) -> None:
    """Time what is pure, on the inputs of a real decision."""
    decision = Decision.objects.latest("pk")
    proposal = records.read(Proposal, decision.inputs["proposal"])
    situation = records.read(Situation, decision.inputs["situation"])
    book = limit_book.ask([accounts[0].pk], now=timezone.now()).get()
    limits = book.of(accounts[0].pk, "standard", None)
    if limits is None or checks.first_denial(proposal, situation, limits.bounds):
        raise SystemExit("the order that is measured should go")
    bounds = limits.bounds
    size = len(orjson.dumps(decision.inputs))
    print(f"{'one decision':<44} {'microseconds':>12}")
    for name, call in (
        (f"{len(checks.CHECKS)} checks", lambda: checks.first_denial(proposal, situation, bounds)),
        ("cautions", lambda: checks.cautions(proposal, situation)),
        (f"writing down its inputs ({size} bytes)", lambda: records.written(situation)),
        (
            "all of it, with its row",
            lambda: services.assess(
                order_id=decision.order_id,
                account_id=decision.account_id,
                proposal=proposal,
                situation=situation,
                limits=limits,
                now=decision.at,
            ),
        ),
        ("made again, check by check", lambda: services.recompute(decision)),
    ):
        print(f"{name:<44} {microseconds(call):>12.1f}")


def microseconds(call: Callable[[], object]) -> float:
    """Return the median over rounds of what one call takes."""
    rounds = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(CALLS // ROUNDS):
            call()
        rounds.append((time.process_time() - began) / (CALLS // ROUNDS))
    return median(rounds) * 1e6


def statements(accounts: list[Account]) -> None:
    """Count what a batch sends to the database."""
    sent: list[int] = []
    real = trips.send

    def counted(*given: object) -> trips.Answer[list[tuple[object, ...]]]:
        sent.append(1)
        return real(*given)  # type: ignore[arg-type]

    trips.send = counted  # type: ignore[assignment]
    print(f"\n{'orders in the batch':<44} {'statements':>12} {'an order':>9}")
    try:
        for size in (1, 8, 64, 256):
            batch = [world.limit_ticket(accounts[n % 64], "90.00") for n in range(size)]
            sent.clear()
            submission.submit_batch(batch)
            print(f"{size:<44} {len(sent):>12} {Decimal(len(sent)) / size:>9.2f}")
    finally:
        trips.send = real
    [[kept]] = bulk.execute("SELECT avg(pg_column_size(inputs))::int FROM risk_decision")
    print(f"\n{kept} bytes of inputs a decision, as PostgreSQL keeps them")


if __name__ == "__main__":
    main()
