import uuid
from datetime import date
from decimal import Decimal
from typing import Any

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import portfolio.models
from foundation.append_only import AppendOnly

CRYPTO = "Crypto, 25 basis points of either side"
SECTION_31 = "Securities Exchange Act, section 31: the SEC's fee rate advisories"
TAF = "FINRA By-Laws, schedule A, section 1: covered equity securities"

# From when, a share of the value.
SECTION_31_RATES = (
    (date(2021, 2, 25), "0.0000051"),
    (date(2022, 5, 14), "0.0000229"),
    (date(2023, 2, 27), "0.000008"),
    (date(2024, 5, 22), "0.0000278"),
    (date(2025, 5, 14), "0"),
    (date(2026, 4, 4), "0.0000206"),
)
# From when, USD for each share, USD at most.
TAF_RATES = (
    (date(2022, 1, 1), "0.00013", "6.49"),
    (date(2023, 1, 1), "0.000145", "7.27"),
    (date(2024, 1, 1), "0.000166", "8.30"),
    (date(2026, 1, 1), "0.000195", "9.79"),
)

# What an account has is one lot, and what it realised one closing, as nobody knows of more.
LOTS_OF_BEFORE = """
    INSERT INTO portfolio_lot (id, account_id, instrument_id, number, acquired_at,
                               opened_quantity, opened_cost, quantity, cost_basis)
    SELECT gen_random_uuid(), account_id, instrument_id, 1, opened_at,
           quantity, cost_basis, quantity, cost_basis
      FROM portfolio_position WHERE quantity <> 0 OR realised <> 0;
    INSERT INTO portfolio_lotclosing (id, lot_id, account_id, instrument_id, closed_by,
                                      acquired_at, closed_at, quantity, cost, proceeds, realised,
                                      is_long_term, is_correction)
    SELECT gen_random_uuid(), l.id, l.account_id, l.instrument_id, gen_random_uuid(),
           l.acquired_at, l.acquired_at, 0, 0, p.realised, p.realised, false, true
      FROM portfolio_lot l JOIN portfolio_position p USING (account_id, instrument_id)
     WHERE p.realised <> 0;
    UPDATE portfolio_position SET lots_opened = 1 WHERE quantity <> 0 OR realised <> 0;
"""


def ship_schedule(apps: Any, schema_editor: Any) -> None:
    """Write down what is charged: nothing of our own on equities, what regulators ask on sales."""
    rule = apps.get_model("portfolio", "FeeRule")
    begin = date(2020, 1, 1)
    lines = [
        rule(name="commission", beneficiary="fees", valid_from=begin, asset_class="us_equity"),
        rule(
            name="commission",
            beneficiary="fees",
            valid_from=begin,
            asset_class="crypto",
            rate=Decimal("0.0025"),
            note=CRYPTO,
        ),
    ]
    of_sales = {"beneficiary": "regulatory", "asset_class": "us_equity", "side": "sell"}
    for day, rate in SECTION_31_RATES:
        lines.append(
            rule(
                name="section_31",
                valid_from=day,
                rate=Decimal(rate),
                note=SECTION_31,
                **of_sales,
            )
        )
    for day, per_unit, most in TAF_RATES:
        lines.append(
            rule(
                name="taf",
                valid_from=day,
                per_unit=Decimal(per_unit),
                most=Decimal(most),
                note=TAF,
                **of_sales,
            )
        )
    rule.objects.using(schema_editor.connection.alias).bulk_create(lines)


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_margin_and_approvals"),
        ("marketdata", "0001_initial"),
        ("portfolio", "0005_ledger_whole"),
    ]

    operations = [
        migrations.AddField(
            model_name="hold",
            name="price",
            field=portfolio.models.AmountField(
                decimal_places=9,
                default=Decimal(0),
                help_text="The worst that the order may pay.",
                max_digits=38,
            ),
        ),
        migrations.AddField(
            model_name="hold",
            name="lots",
            field=models.JSONField(
                blank=True,
                default=list,
                help_text="The lots to close first, as the customer named them.",
            ),
        ),
        migrations.RunSQL(
            "UPDATE portfolio_hold SET price = per_unit", reverse_sql=migrations.RunSQL.noop
        ),
        migrations.CreateModel(
            name="FeeRule",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "name",
                    models.CharField(help_text="commission, section_31, taf, ...", max_length=30),
                ),
                (
                    "beneficiary",
                    models.CharField(
                        choices=[("fees", "the firm"), ("regulatory", "regulators")], max_length=12
                    ),
                ),
                (
                    "valid_from",
                    models.DateField(help_text="The first trade date (New York) that it is for."),
                ),
                (
                    "asset_class",
                    models.CharField(
                        blank=True,
                        choices=[("us_equity", "US equity"), ("crypto", "Crypto")],
                        max_length=12,
                        null=True,
                    ),
                ),
                (
                    "side",
                    models.CharField(
                        blank=True,
                        choices=[("buy", "Buy"), ("sell", "Sell")],
                        max_length=4,
                        null=True,
                    ),
                ),
                (
                    "tier",
                    models.CharField(
                        blank=True, help_text="Of the account.", max_length=20, null=True
                    ),
                ),
                (
                    "per_order",
                    portfolio.models.AmountField(
                        decimal_places=9,
                        default=Decimal(0),
                        help_text="USD, with the first fill.",
                        max_digits=38,
                    ),
                ),
                (
                    "per_unit",
                    portfolio.models.AmountField(
                        decimal_places=9,
                        default=Decimal(0),
                        help_text="USD for each unit.",
                        max_digits=38,
                    ),
                ),
                (
                    "rate",
                    portfolio.models.AmountField(
                        decimal_places=9,
                        default=Decimal(0),
                        help_text="Of the value: 0.0025 is 25 bp.",
                        max_digits=38,
                    ),
                ),
                (
                    "most",
                    portfolio.models.AmountField(
                        blank=True,
                        decimal_places=9,
                        help_text="USD, for an order at most.",
                        max_digits=38,
                        null=True,
                    ),
                ),
                (
                    "note",
                    models.CharField(blank=True, help_text="Where it comes from.", max_length=200),
                ),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                ("created_by", models.CharField(default="", editable=False, max_length=80)),
            ],
            options={
                "ordering": ("name", "valid_from", "pk"),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("per_order__gte", 0),
                            ("per_unit__gte", 0),
                            ("rate__gte", 0),
                            ("rate__lt", 1),
                        ),
                        name="fee_rule_positive",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("side", "sell"), ("side__isnull", False)),
                            models.Q(("beneficiary", "fees"), ("most__isnull", True)),
                            _connector="OR",
                        ),
                        name="fee_rule_of_buys",
                    ),
                ],
            },
        ),
        migrations.RunPython(ship_schedule, migrations.RunPython.noop),
        AppendOnly("portfolio_feerule"),
        migrations.AddField(
            model_name="balance",
            name="settled_only_until",
            field=models.DateField(
                help_text="Of cash: the last day on which only settled cash may be spent.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="balance",
            name="unsettled",
            field=models.JSONField(
                default=dict, help_text="Proceeds in cash that are not final yet: USD by day."
            ),
        ),
        migrations.AddField(
            model_name="position",
            name="lots_opened",
            field=models.PositiveIntegerField(default=0, help_text="How many lots it ever had."),
        ),
        migrations.CreateModel(
            name="Lot",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("number", models.PositiveIntegerField(help_text="Counts the lots of a position.")),
                ("opened_by", models.UUIDField(db_index=True, null=True)),
                ("acquired_at", models.DateTimeField()),
                ("opened_quantity", portfolio.models.AmountField(decimal_places=9, max_digits=38)),
                ("opened_cost", portfolio.models.AmountField(decimal_places=9, max_digits=38)),
                ("quantity", portfolio.models.AmountField(decimal_places=9, max_digits=38)),
                ("cost_basis", portfolio.models.AmountField(decimal_places=9, max_digits=38)),
                ("funds_settle_on", models.DateField(null=True)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lots",
                        to="accounts.account",
                    ),
                ),
                (
                    "instrument",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, to="marketdata.instrument"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="GoodFaithViolation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("order_id", models.UUIDField(help_text="The order that sold it.")),
                ("trade_id", models.UUIDField()),
                ("at", models.DateTimeField()),
                ("funds_settle_on", models.DateField()),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, to="accounts.account"
                    ),
                ),
                (
                    "lot",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, to="portfolio.lot"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="LotAdjustment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                (
                    "reference",
                    models.CharField(help_text="What it is for: action:ID.", max_length=80),
                ),
                (
                    "quantity",
                    portfolio.models.AmountField(
                        decimal_places=9,
                        default=Decimal("0"),
                        help_text="What was added.",
                        max_digits=38,
                    ),
                ),
                (
                    "cost",
                    portfolio.models.AmountField(
                        decimal_places=9,
                        default=Decimal("0"),
                        help_text="What was added.",
                        max_digits=38,
                    ),
                ),
                (
                    "lot",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="adjustments",
                        to="portfolio.lot",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="LotClosing",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("closed_by", models.UUIDField(db_index=True, help_text="The trade, or the bust.")),
                ("acquired_at", models.DateTimeField()),
                ("closed_at", models.DateTimeField()),
                ("quantity", portfolio.models.AmountField(decimal_places=9, max_digits=38)),
                ("cost", portfolio.models.AmountField(decimal_places=9, max_digits=38)),
                ("proceeds", portfolio.models.AmountField(decimal_places=9, max_digits=38)),
                ("realised", portfolio.models.AmountField(decimal_places=9, max_digits=38)),
                ("is_long_term", models.BooleanField()),
                ("is_correction", models.BooleanField(default=False)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, to="accounts.account"
                    ),
                ),
                (
                    "instrument",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, to="marketdata.instrument"
                    ),
                ),
                (
                    "lot",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="closings",
                        to="portfolio.lot",
                    ),
                ),
                (
                    "undoes",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="undone_by",
                        to="portfolio.lotclosing",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="WashSale",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("found_at", models.DateTimeField()),
                ("quantity", portfolio.models.AmountField(decimal_places=9, max_digits=38)),
                ("disallowed", portfolio.models.AmountField(decimal_places=9, max_digits=38)),
                (
                    "closing",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="wash_sales",
                        to="portfolio.lotclosing",
                    ),
                ),
                (
                    "replacement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="wash_sales",
                        to="portfolio.lot",
                    ),
                ),
                (
                    "reverses",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="portfolio.washsale",
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="lot",
            index=models.Index(
                condition=models.Q(("quantity", 0), _negated=True),
                fields=["account", "instrument"],
                name="lot_open",
            ),
        ),
        migrations.AddConstraint(
            model_name="lot",
            constraint=models.UniqueConstraint(
                fields=("account", "instrument", "number"), name="lot_number_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="lot",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("cost_basis__gte", 0), ("quantity__gte", 0)),
                    models.Q(("cost_basis__lte", 0), ("quantity__lte", 0)),
                    _connector="OR",
                ),
                name="lot_of_one_sign",
            ),
        ),
        migrations.AddIndex(
            model_name="goodfaithviolation",
            index=models.Index(fields=["account", "at"], name="good_faith_of"),
        ),
        migrations.AddConstraint(
            model_name="goodfaithviolation",
            constraint=models.UniqueConstraint(
                fields=("account", "order_id"), name="good_faith_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="lotadjustment",
            constraint=models.UniqueConstraint(
                fields=("lot", "reference"), name="lot_adjusted_once"
            ),
        ),
        migrations.AddIndex(
            model_name="lotclosing",
            index=models.Index(
                fields=["account", "instrument", "closed_at"], name="lot_closing_of"
            ),
        ),
        migrations.AddConstraint(
            model_name="lotclosing",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "realised",
                        django.db.models.expressions.CombinedExpression(
                            models.F("proceeds"), "-", models.F("cost")
                        ),
                    )
                ),
                name="lot_closing_adds_up",
            ),
        ),
        migrations.AddConstraint(
            model_name="washsale",
            constraint=models.CheckConstraint(
                condition=models.Q(("disallowed__gte", 0), ("quantity__gt", 0)),
                name="wash_sale_positive",
            ),
        ),
        migrations.AddConstraint(
            model_name="washsale",
            constraint=models.UniqueConstraint(
                condition=models.Q(("reverses__isnull", True)),
                fields=("closing", "replacement"),
                name="wash_sale_once",
            ),
        ),
        AppendOnly("portfolio_lotclosing"),
        AppendOnly("portfolio_lotadjustment"),
        AppendOnly("portfolio_washsale"),
        AppendOnly("portfolio_goodfaithviolation"),
        migrations.RunSQL(LOTS_OF_BEFORE, reverse_sql=migrations.RunSQL.noop),
    ]
