from datetime import date
from decimal import Decimal
from typing import Any

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
    dependencies = [("portfolio", "0005_ledger_whole")]

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
    ]
