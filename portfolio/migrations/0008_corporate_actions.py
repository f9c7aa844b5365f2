import uuid
from decimal import Decimal

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import portfolio.models
from foundation.append_only import AppendOnly


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_margin_and_approvals"),
        ("marketdata", "0005_margin_terms"),
        ("portfolio", "0007_funding_and_interest"),
    ]

    operations = [
        migrations.CreateModel(
            name="CorporateAction",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "reference",
                    models.CharField(
                        help_text="Its own name for ever: AAPL split 2020-08-31.",
                        max_length=60,
                        unique=True,
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("cash_dividend", "cash dividend"),
                            ("split", "split or reverse split"),
                            ("symbol_change", "symbol change"),
                            ("merger", "merger"),
                            ("spin_off", "spin-off"),
                        ],
                        max_length=14,
                    ),
                ),
                (
                    "ex_date",
                    models.DateField(help_text="The first day on which it trades without."),
                ),
                ("pay_date", models.DateField(blank=True, help_text="Of a dividend.", null=True)),
                (
                    "cash",
                    portfolio.models.AmountField(
                        decimal_places=9,
                        default=Decimal("0"),
                        help_text="USD for each share.",
                        max_digits=38,
                    ),
                ),
                ("new_shares", models.PositiveIntegerField(default=0)),
                ("old_shares", models.PositiveIntegerField(default=1)),
                (
                    "price",
                    portfolio.models.AmountField(
                        decimal_places=9,
                        default=Decimal("0"),
                        help_text="USD for a whole new share: what fractions are paid at.",
                        max_digits=38,
                    ),
                ),
                (
                    "cost_share",
                    models.DecimalField(
                        decimal_places=8,
                        default=Decimal("0"),
                        help_text="Of the cost, to a spin-off.",
                        max_digits=9,
                    ),
                ),
                (
                    "symbol",
                    models.CharField(
                        blank=True, default="", help_text="The new symbol.", max_length=24
                    ),
                ),
                ("source", models.CharField(help_text="Where it was announced.", max_length=200)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("announced", "announced: a second person has to approve it"),
                            ("approved", "approved"),
                            ("withdrawn", "withdrawn"),
                            ("entitled", "every account has its entitlement"),
                            ("done", "done"),
                        ],
                        default="announced",
                        max_length=10,
                    ),
                ),
                ("announced_at", models.DateTimeField()),
                (
                    "announced_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "instrument",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="marketdata.instrument",
                    ),
                ),
                (
                    "into",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="marketdata.instrument",
                    ),
                ),
            ],
            options={
                "ordering": ("-ex_date", "reference"),
            },
        ),
        migrations.CreateModel(
            name="CorporateActionStep",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                ("actor", models.CharField(max_length=80)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("announced", "announced: a second person has to approve it"),
                            ("approved", "approved"),
                            ("withdrawn", "withdrawn"),
                            ("entitled", "every account has its entitlement"),
                            ("done", "done"),
                        ],
                        max_length=10,
                    ),
                ),
                ("detail", models.CharField(blank=True, default="", max_length=300)),
                (
                    "action",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="steps",
                        to="portfolio.corporateaction",
                    ),
                ),
            ],
            options={
                "ordering": ("action", "id"),
            },
        ),
        migrations.CreateModel(
            name="Entitlement",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("quantity_before", portfolio.models.AmountField(decimal_places=9, max_digits=38)),
                ("quantity_after", portfolio.models.AmountField(decimal_places=9, max_digits=38)),
                ("cost_before", portfolio.models.AmountField(decimal_places=9, max_digits=38)),
                ("cost_after", portfolio.models.AmountField(decimal_places=9, max_digits=38)),
                (
                    "other_quantity",
                    portfolio.models.AmountField(
                        decimal_places=9, default=Decimal("0"), max_digits=38
                    ),
                ),
                (
                    "other_cost",
                    portfolio.models.AmountField(
                        decimal_places=9, default=Decimal("0"), max_digits=38
                    ),
                ),
                (
                    "cash",
                    portfolio.models.AmountField(
                        decimal_places=9, default=Decimal("0"), max_digits=38
                    ),
                ),
                (
                    "in_lieu",
                    portfolio.models.AmountField(
                        decimal_places=9, default=Decimal("0"), max_digits=38
                    ),
                ),
                (
                    "fraction",
                    portfolio.models.AmountField(
                        decimal_places=9, default=Decimal("0"), max_digits=38
                    ),
                ),
                (
                    "realised",
                    portfolio.models.AmountField(
                        decimal_places=9, default=Decimal("0"), max_digits=38
                    ),
                ),
                ("at", models.DateTimeField()),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.account",
                    ),
                ),
                (
                    "action",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="entitlements",
                        to="portfolio.corporateaction",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="EntitledLot",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("lot_id", models.UUIDField(null=True)),
                ("quantity_before", portfolio.models.AmountField(decimal_places=9, max_digits=38)),
                ("quantity_after", portfolio.models.AmountField(decimal_places=9, max_digits=38)),
                ("cost_before", portfolio.models.AmountField(decimal_places=9, max_digits=38)),
                ("cost_after", portfolio.models.AmountField(decimal_places=9, max_digits=38)),
                (
                    "realised",
                    portfolio.models.AmountField(
                        decimal_places=9, default=Decimal("0"), max_digits=38
                    ),
                ),
                (
                    "entitlement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lots",
                        to="portfolio.entitlement",
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="corporateaction",
            constraint=models.CheckConstraint(
                condition=models.Q(("old_shares__gt", 0), ("cash__gte", 0), ("price__gte", 0)),
                name="corporate_action_terms",
            ),
        ),
        migrations.AddConstraint(
            model_name="corporateaction",
            constraint=models.CheckConstraint(
                condition=models.Q(("into", models.F("instrument")), _negated=True),
                name="corporate_action_of_two",
            ),
        ),
        migrations.AddConstraint(
            model_name="entitlement",
            constraint=models.UniqueConstraint(
                fields=("action", "account"), name="entitlement_once"
            ),
        ),
        AppendOnly("portfolio_corporateactionstep"),
        AppendOnly("portfolio_entitlement"),
        AppendOnly("portfolio_entitledlot"),
    ]
