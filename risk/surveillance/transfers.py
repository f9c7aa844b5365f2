"""Money that comes or goes beyond an account's own habit, only passes through it, or goes from
several customers to one bank account. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from risk.findings import Finding, Kind, Severity
from risk.surveillance import habits
from risk.surveillance.habits import unusual, usd

D = Decimal


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From where on money that moves is worth a look. What stands out does so as with trades."""

    floor: Decimal = Decimal(25_000)
    first_floor: Decimal = Decimal(250_000)
    history: int = 5
    deviations: Decimal = habits.SHIPPED.large_deviations
    deviation_min: Decimal = habits.SHIPPED.large_deviation_min

    passing_through: timedelta = timedelta(days=5)
    passing_share: Decimal = Decimal("0.9")
    passing_traded_share: Decimal = Decimal("0.1")

    sharing_severe: int = 3


SHIPPED: Final = Thresholds()


@dataclass(frozen=True, slots=True)
class Moved:
    """A deposit (`sign` 1) or a withdrawal (-1), in USD; of coins, what they were worth."""

    transfer_id: str
    account_id: UUID
    sign: int
    amount: Decimal
    at: datetime
    is_coins: bool = False


@dataclass(frozen=True, slots=True)
class SamePayee:
    """A payee that a customer has named, and the same bank account or address of another customer.

    `paid` is what that other has sent there, in USD.
    """

    payee_id: UUID
    account_id: UUID
    at: datetime
    other_payee_id: UUID
    other_account_id: UUID
    other_owner: UUID
    paid: Decimal


def shared_payees(same: Iterable[SamePayee], limits: Thresholds = SHIPPED) -> list[Finding]:
    """Find payees that other customers have named too, one finding for each that was added.

    Two may be a couple with one bank account; three or more are severe: who gathers the money of
    others, by persuading them or with their passwords, sends it to one place (FATF: money mules).
    """
    by_payee: dict[UUID, list[SamePayee]] = {}
    for each in same:
        by_payee.setdefault(each.payee_id, []).append(each)
    found = []
    for payee_id, shared in by_payee.items():
        customers = len({each.other_owner for each in shared}) + 1
        paid = sum((each.paid for each in shared), D(0))
        found.append(
            Finding(
                kind=Kind.SHARED_PAYEE,
                severity=(
                    Severity.SEVERE if customers >= limits.sharing_severe else Severity.WARNING
                ),
                account_id=shared[0].account_id,
                summary=f"A payee of {customers} customers; the others have sent {usd(paid)} there",
                key=f"payee:{payee_id}",
                happened_at=shared[0].at,
                evidence={
                    "payee": payee_id,
                    "customers": customers,
                    "other_payees": sorted(str(each.other_payee_id) for each in shared),
                    "other_accounts": sorted({str(each.other_account_id) for each in shared}),
                    "paid_by_others": paid,
                },
            )
        )
    return found


def unusual_transfers(
    new: Iterable[Moved],
    before: Mapping[UUID, Sequence[Moved]],
    traded: Mapping[UUID, Decimal],
    limits: Thresholds = SHIPPED,
) -> list[Finding]:
    """Find deposits and withdrawals far beyond the account's own, and money that only passes.

    `before` are all transfers of an account, also later ones; only what came earlier is compared
    with. `traded` is what each account has traded in the time of `passing_through`.
    """
    found = []
    for moved in new:
        earlier = [each for each in before.get(moved.account_id, ()) if each.at < moved.at]
        if moved.sign < 0 and (finding := _passing(moved, earlier, traded, limits)):
            found.append(finding)
        amounts = [each.amount for each in earlier if each.sign == moved.sign]
        if len(amounts) < limits.history:
            is_large, usual = moved.amount >= limits.first_floor, None
        else:
            stands_out = unusual(
                moved.amount,
                amounts,
                floor=limits.floor,
                deviations=limits.deviations,
                deviation_min=limits.deviation_min,
            )
            is_large, usual = stands_out is not None, stands_out
        if not is_large:
            continue
        what = "Deposit" if moved.sign > 0 else "Withdrawal"
        compared = f"usual is {usd(usual.usual)}" if usual else "nothing to compare it with"
        found.append(
            Finding(
                kind=Kind.UNUSUAL_TRANSFER,
                severity=Severity.WARNING,
                account_id=moved.account_id,
                summary=f"{what} of {usd(moved.amount)}; {compared}",
                key=f"transfer:{moved.transfer_id}",
                happened_at=moved.at,
                evidence={
                    "transfer": moved.transfer_id,
                    "amount": moved.amount,
                    "transfers_before": len(amounts),
                },
            )
        )
    return found


def _passing(
    moved: Moved,
    earlier: Sequence[Moved],
    traded: Mapping[UUID, Decimal],
    limits: Thresholds,
) -> Finding | None:
    """Return money that leaves within days of its coming, with hardly a trade between.

    What leaves as coins had to be bought: trades do not excuse it.
    """
    start = moved.at - limits.passing_through
    came = sum((each.amount for each in earlier if each.sign > 0 and each.at >= start), D(0))
    is_quick = came > 0 and moved.amount >= limits.passing_share * came
    has_traded = traded.get(moved.account_id, D(0)) >= limits.passing_traded_share * came
    was_used = has_traded and not moved.is_coins
    if moved.amount < limits.floor or not is_quick or was_used:
        return None
    how = "as coins" if moved.is_coins else "with hardly a trade"
    return Finding(
        kind=Kind.UNUSUAL_TRANSFER,
        severity=Severity.SEVERE,
        account_id=moved.account_id,
        summary=f"{usd(moved.amount)} withdrawn of {usd(came)} that came in within "
        f"{limits.passing_through.days} days, {how}",
        key=f"passing:{moved.transfer_id}",
        happened_at=moved.at,
        evidence={"transfer": moved.transfer_id, "amount": moved.amount, "came_in": came},
    )
