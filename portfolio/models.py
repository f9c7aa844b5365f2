"""What an account owns: a double-entry ledger, what is held in it, and positions."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import Account
from marketdata.models import Instrument
from portfolio.actions.models import CorporateAction as CorporateAction
from portfolio.actions.models import CorporateActionStep as CorporateActionStep
from portfolio.actions.models import EntitledLot as EntitledLot
from portfolio.actions.models import Entitlement as Entitlement
from portfolio.amounts import AmountField as AmountField
from portfolio.fees.models import FeeRule as FeeRule
from portfolio.funding.models import Funding as Funding
from portfolio.funding.models import FundingStep as FundingStep
from portfolio.funding.models import InterestAccrual as InterestAccrual
from portfolio.funding.models import InterestDay as InterestDay
from portfolio.funding.models import InterestRate as InterestRate
from portfolio.lots.models import GoodFaithViolation as GoodFaithViolation
from portfolio.lots.models import Lot as Lot
from portfolio.lots.models import LotAdjustment as LotAdjustment
from portfolio.lots.models import LotClosing as LotClosing
from portfolio.lots.models import WashSale as WashSale
from portfolio.payees.models import CancelLink as CancelLink
from portfolio.payees.models import DailyLimit as DailyLimit
from portfolio.payees.models import Payee as Payee
from portfolio.worth.models import EquityPoint as EquityPoint

FLOW_KINDS: Final = ("deposit", "withdrawal", "reversal", "correction")
"""Transfers that are money from or to the outside, where the other side is one of `OUTSIDE`."""


class LedgerAccount(models.Model):
    """One account of the books: whose (a customer's or the house's), what for, in which asset."""

    class Kind(models.TextChoices):
        CUSTOMER = "customer", "customer"
        SETTLEMENT = "settlement", "venue settlement"
        BANK = "bank", "bank"
        CLEARING = "clearing", "money on its way in or out"
        FEES = "fees", "firm fees"
        REGULATORY = "regulatory", "owed to regulators"
        INTEREST = "interest", "interest earned"
        ISSUER = "issuer", "issuers, for corporate actions"
        SUSPENSE = "suspense", "suspense"

    owner = models.ForeignKey(Account, on_delete=models.PROTECT, null=True, blank=True)
    kind = models.CharField(max_length=12, choices=Kind)
    asset = models.CharField(max_length=24, help_text="USD, or the code of an instrument.")

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["owner", "kind", "asset"],
                nulls_distinct=False,
                name="ledger_account_unique",
            ),
            models.CheckConstraint(
                condition=Q(kind="customer", owner__isnull=False)
                | (~Q(kind="customer") & Q(owner__isnull=True)),
                name="ledger_account_customers_own",
            ),
        )

    def __str__(self) -> str:
        return f"{self.owner or 'house'} {self.kind} {self.asset}"


OUTSIDE: Final = frozenset({LedgerAccount.Kind.BANK, LedgerAccount.Kind.CLEARING})


class Transfer(models.Model):
    """Money or securities that moved: `amount` of `asset` out of `debit`, into `credit`.

    Append-only; a mistake is corrected by another transfer. One fact may need several: they
    share `reference`. A customer's balance is what was credited less what was debited, by trade
    date; `settles_on` is the day on which it is final, null where that is at once. `reverses` is
    the transfer that this one takes back.
    """

    class Kind(models.TextChoices):
        DEPOSIT = "deposit"
        WITHDRAWAL = "withdrawal"
        TRADE = "trade"
        BUST = "bust"
        FEE = "fee"
        INTEREST = "interest"
        DIVIDEND = "dividend"
        SPLIT = "split"
        CASH_IN_LIEU = "cash_in_lieu"
        MERGER = "merger"
        REVERSAL = "reversal"
        CORRECTION = "correction"

    at = models.DateTimeField(default=timezone.now)
    kind = models.CharField(max_length=12, choices=Kind)
    reference = models.CharField(max_length=80, help_text="What it is for: trade:ID, deposit:KEY.")
    asset = models.CharField(max_length=24)
    debit = models.ForeignKey(LedgerAccount, on_delete=models.PROTECT, related_name="debits")
    credit = models.ForeignKey(LedgerAccount, on_delete=models.PROTECT, related_name="credits")
    amount = AmountField()
    settles_on = models.DateField(null=True, blank=True)
    reverses = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="reversed_by"
    )
    reason = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(amount__gt=0), name="transfer_amount_positive"),
            models.CheckConstraint(condition=~Q(debit=F("credit")), name="transfer_moves"),
            models.UniqueConstraint(
                fields=["reference", "asset", "debit", "credit"], name="transfer_once"
            ),
        )
        # What came in and went out of the bank, among all the trades of an account.
        indexes = (
            models.Index(fields=["credit", "at"], condition=Q(kind="deposit"), name="deposit"),
            models.Index(fields=["debit", "at"], condition=Q(kind="withdrawal"), name="withdrawal"),
            models.Index(
                fields=["credit", "settles_on"],
                condition=Q(settles_on__isnull=False, asset="USD"),
                name="transfer_proceeds_unsettled",
            ),
            # What came from outside and left, all of it.
            models.Index(
                fields=["credit"], condition=Q(kind__in=FLOW_KINDS), name="transfer_flow_in"
            ),
            models.Index(
                fields=["debit"], condition=Q(kind__in=FLOW_KINDS), name="transfer_flow_out"
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.amount} {self.asset}"


class Balance(models.Model):
    """A customer's running balance in one asset: what its transfers sum to, and what is held.

    The `amount` is by trade date. That of a margin account may be below what is held, and below
    zero: a debit of cash that we lend, or securities that were sold short. `unsettled` may still
    name days that are over. `paid_in` is what of the amount came from outside less what left, and
    what is on its way out has left: it is kept so that what an account gained is known without
    its past.
    """

    ledger_account = models.OneToOneField(
        LedgerAccount,
        on_delete=models.PROTECT,
        primary_key=True,
        related_name="balance",
    )
    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="balances", db_index=False
    )
    asset = models.CharField(max_length=24)
    amount = AmountField(default=Decimal(0))
    held = AmountField(default=Decimal(0))
    paid_in = AmountField(default=Decimal(0))
    may_be_negative = models.BooleanField(default=False)
    unsettled = models.JSONField(
        default=dict, help_text="Proceeds in cash that are not final yet: USD by day."
    )
    settled_only_until = models.DateField(
        null=True, help_text="Of cash: the last day on which only settled cash may be spent."
    )

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["account", "asset"], name="balance_unique"),
            models.CheckConstraint(condition=Q(held__gte=0), name="balance_held_positive"),
            models.CheckConstraint(
                condition=Q(amount__gte=F("held")) | Q(may_be_negative=True),
                name="balance_available_positive",
            ),
        )

    def __str__(self) -> str:
        return f"{self.amount} {self.asset}, {self.held} held"

    @property
    def available(self) -> Decimal:
        available: Decimal = self.amount - self.held
        return available


class Hold(models.Model):
    """What an open order may still cost its account: `per_unit` of `asset` for what is unfilled.

    In a margin account that is what the order may require of the account's equity. An order by
    value is held for that value and no price: its `per_unit` is zero. The fee terms are those
    that were in force when the order was accepted, and are held for as well. Pending while the
    order is open, posted when fills used it up, released when it ended.
    """

    class Status(models.TextChoices):
        PENDING = "pending"
        POSTED = "posted"
        RELEASED = "released"

    order_id = models.UUIDField(primary_key=True)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, db_index=False)
    asset = models.CharField(max_length=24)
    per_unit = AmountField()
    price = AmountField(default=Decimal(0), help_text="The worst that the order may pay.")
    fee_per_order = AmountField(default=Decimal(0))
    fee_per_unit = AmountField(default=Decimal(0))
    fee_rate = AmountField(default=Decimal(0), help_text="Of the value: 0.0025 is 25 basis points.")
    amount = AmountField(help_text="At first.")
    remaining = AmountField()
    lots = models.JSONField(
        default=list, blank=True, help_text="The lots to close first, as the customer named them."
    )
    status = models.CharField(max_length=8, choices=Status, default=Status.PENDING)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(remaining__gte=0) & Q(remaining__lte=F("amount")),
                name="hold_within",
            ),
            models.CheckConstraint(
                condition=Q(status="pending") | Q(remaining=0),
                name="hold_ended_is_empty",
            ),
        )
        indexes = (
            models.Index(fields=["account"], condition=Q(status="pending"), name="hold_pending"),
        )

    def __str__(self) -> str:
        return f"{self.remaining} {self.asset} for {self.order_id}"


class Position(models.Model):
    """How much of an instrument an account has, negative if it was sold short: its lots in sum.

    `cost_basis` is what the lots that are open cost; `realised` is the profit or loss of what was
    closed.
    """

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="positions")
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT)
    quantity = AmountField(default=Decimal(0))
    cost_basis = AmountField(default=Decimal(0))
    realised = AmountField(default=Decimal(0))
    opened_at = models.DateTimeField(default=timezone.now)
    lots_opened = models.PositiveIntegerField(default=0, help_text="How many lots it ever had.")

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["account", "instrument"], name="position_unique"),
        )

    def __str__(self) -> str:
        return f"{self.quantity} {self.instrument.symbol}"

    @property
    def average_price(self) -> Decimal:
        return self.cost_basis / self.quantity if self.quantity else Decimal(0)


class EquitySnapshot(models.Model):
    """What an account was worth at the end of a day. Append-only.

    `paid_in` is all that had come in from outside until then, less all that had left, and
    `realised` the profit of all that had been closed, so that a day's share of either is a
    difference of two days.
    """

    account = models.ForeignKey(Account, on_delete=models.PROTECT)
    day = models.DateField()
    at = models.DateTimeField()
    cash = AmountField()
    equity = AmountField()
    paid_in = AmountField(default=Decimal(0))
    realised = AmountField(default=Decimal(0))

    class Meta:
        constraints = (models.UniqueConstraint(fields=["account", "day"], name="equity_once"),)

    def __str__(self) -> str:
        return f"{self.day} {self.equity}"
