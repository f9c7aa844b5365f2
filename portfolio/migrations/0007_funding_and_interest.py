import uuid
from decimal import Decimal

import django.db.models.deletion
from django.db import migrations, models

import portfolio.models
from foundation.append_only import AppendOnly

# Deposits of before have been booked at once: they are settled, in one step.
KNOW_OLD_DEPOSITS = """
INSERT INTO portfolio_funding
       (id, account_id, direction, amount, reference, bank, state, asked_at, asked_by, changed_at)
SELECT gen_random_uuid(), l.owner_id, 'deposit', t.amount,
       left(split_part(t.reference, l.owner_id || ':', 2), 32), '', 'settled', t.at, 'rule:booked',
       t.at
  FROM portfolio_transfer t JOIN portfolio_ledgeraccount l ON l.id = t.credit_id
 WHERE t.kind = 'deposit' AND t.asset = 'USD' AND l.owner_id IS NOT NULL
    ON CONFLICT DO NOTHING;
INSERT INTO portfolio_fundingstep (funding_id, number, step, state, owed, at, actor, reason)
SELECT id, 1, 'settle', 'settled', 0, asked_at, 'rule:booked', 'Booked before steps were kept.'
  FROM portfolio_funding;
"""

FIRST_RATE = """
INSERT INTO portfolio_interestrate (starts_on, rate, reason, made_at, made_by)
VALUES ('2020-01-01', 0.08, 'As shipped.', now(), 'rule:shipped')
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_margin_and_approvals"),
        ("portfolio", "0006_lots_and_fees"),
    ]

    operations = [
        migrations.CreateModel(
            name="InterestDay",
            fields=[
                ("day", models.DateField(primary_key=True, serialize=False)),
                ("rate", models.DecimalField(decimal_places=6, max_digits=9)),
                ("accounts", models.PositiveIntegerField(help_text="How many owed something.")),
                ("at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Funding",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "direction",
                    models.CharField(
                        choices=[("deposit", "deposit"), ("withdrawal", "withdrawal")],
                        max_length=10,
                    ),
                ),
                ("amount", portfolio.models.AmountField(decimal_places=9, max_digits=38)),
                (
                    "reference",
                    models.CharField(help_text="Its name, once in an account.", max_length=32),
                ),
                (
                    "bank",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="From or to which bank account.",
                        max_length=120,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "pending"),
                            ("requested", "requested"),
                            ("approved", "approved"),
                            ("sent", "sent"),
                            ("settled", "settled"),
                            ("returned", "returned"),
                            ("cancelled", "cancelled"),
                        ],
                        max_length=10,
                    ),
                ),
                ("asked_at", models.DateTimeField()),
                ("asked_by", models.CharField(max_length=80)),
                ("changed_at", models.DateTimeField()),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="fundings",
                        to="accounts.account",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="FundingStep",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveSmallIntegerField()),
                (
                    "step",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("approve", "approve"),
                            ("send", "send"),
                            ("settle", "settle"),
                            ("return", "return"),
                            ("cancel", "cancel"),
                        ],
                        default="",
                        max_length=8,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "pending"),
                            ("requested", "requested"),
                            ("approved", "approved"),
                            ("sent", "sent"),
                            ("settled", "settled"),
                            ("returned", "returned"),
                            ("cancelled", "cancelled"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "owed",
                    portfolio.models.AmountField(
                        decimal_places=9, default=Decimal("0"), max_digits=38
                    ),
                ),
                ("at", models.DateTimeField()),
                ("actor", models.CharField(max_length=80)),
                ("reason", models.CharField(blank=True, default="", max_length=200)),
                (
                    "funding",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="steps",
                        to="portfolio.funding",
                    ),
                ),
            ],
            options={
                "ordering": ("funding", "number"),
            },
        ),
        migrations.CreateModel(
            name="InterestAccrual",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField()),
                ("debit", portfolio.models.AmountField(decimal_places=9, max_digits=38)),
                ("rate", models.DecimalField(decimal_places=6, max_digits=9)),
                ("amount", portfolio.models.AmountField(decimal_places=9, max_digits=38)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, to="accounts.account"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="InterestRate",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("starts_on", models.DateField()),
                ("rate", models.DecimalField(decimal_places=6, max_digits=9)),
                ("reason", models.CharField(max_length=200)),
                ("made_at", models.DateTimeField(auto_now_add=True)),
                ("made_by", models.CharField(max_length=80)),
            ],
            options={
                "ordering": ("-starts_on", "-id"),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("rate__gte", 0), ("rate__lt", 1)),
                        name="interest_rate_sane",
                    )
                ],
            },
        ),
        migrations.AddIndex(
            model_name="funding",
            index=models.Index(
                condition=models.Q(("state__in", ["pending", "requested", "approved", "sent"])),
                fields=["account"],
                name="funding_under_way",
            ),
        ),
        migrations.AddIndex(
            model_name="funding",
            index=models.Index(fields=["state", "asked_at"], name="funding_queue"),
        ),
        migrations.AddConstraint(
            model_name="funding",
            constraint=models.UniqueConstraint(
                fields=("account", "direction", "reference"), name="funding_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="funding",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount__gt", 0)), name="funding_amount_positive"
            ),
        ),
        migrations.AddConstraint(
            model_name="fundingstep",
            constraint=models.UniqueConstraint(
                fields=("funding", "number"), name="funding_step_once"
            ),
        ),
        migrations.AddIndex(
            model_name="interestaccrual",
            index=models.Index(fields=["day"], name="interest_accrual_day"),
        ),
        migrations.AddConstraint(
            model_name="interestaccrual",
            constraint=models.UniqueConstraint(
                fields=("account", "day"), name="interest_accrual_once"
            ),
        ),
        AppendOnly("portfolio_fundingstep"),
        AppendOnly("portfolio_interestrate"),
        AppendOnly("portfolio_interestday"),
        AppendOnly("portfolio_interestaccrual"),
        migrations.RunSQL(KNOW_OLD_DEPOSITS, migrations.RunSQL.noop),
        migrations.RunSQL(FIRST_RATE, migrations.RunSQL.noop),
    ]
