"""Withdrawals of coins: of what, with which fee, worth how much, and to an address."""

from decimal import Decimal

from django.db import migrations, models

import portfolio.amounts


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0013_oversight"),
        ("portfolio", "0014_paid_in"),
    ]

    operations = [
        migrations.AddField(
            model_name="funding",
            name="asset",
            field=models.CharField(default="USD", max_length=24),
        ),
        migrations.AddField(
            model_name="funding",
            name="fee",
            field=portfolio.amounts.AmountField(
                decimal_places=9,
                default=Decimal("0"),
                help_text="Of the same asset, beside the amount.",
                max_digits=38,
            ),
        ),
        migrations.AddField(
            model_name="funding",
            name="transaction",
            field=models.CharField(blank=True, default="", max_length=120),
        ),
        migrations.AddField(
            model_name="funding",
            name="value",
            field=portfolio.amounts.AmountField(
                decimal_places=9, default=0, help_text="USD.", max_digits=38
            ),
            preserve_default=False,
        ),
        migrations.RunSQL("UPDATE portfolio_funding SET value = amount", migrations.RunSQL.noop),
        migrations.AlterField(
            model_name="funding",
            name="bank",
            field=models.CharField(
                blank=True,
                default="",
                help_text="From or to which bank account, address.",
                max_length=300,
            ),
        ),
        migrations.AlterField(
            model_name="historicalpayee",
            name="kind",
            field=models.CharField(
                choices=[("us_bank", "us_bank"), ("iban", "iban"), ("coin", "coin")], max_length=8
            ),
        ),
        migrations.AlterField(
            model_name="historicalpayee",
            name="numbers",
            field=models.JSONField(
                help_text="As its kind has them: routing and account number, IBAN, network and address."
            ),
        ),
        migrations.AlterField(
            model_name="lotclosing",
            name="closed_by",
            field=models.UUIDField(db_index=True, help_text="The trade, the bust, the withdrawal."),
        ),
        migrations.AlterField(
            model_name="payee",
            name="kind",
            field=models.CharField(
                choices=[("us_bank", "us_bank"), ("iban", "iban"), ("coin", "coin")], max_length=8
            ),
        ),
        migrations.AlterField(
            model_name="payee",
            name="numbers",
            field=models.JSONField(
                help_text="As its kind has them: routing and account number, IBAN, network and address."
            ),
        ),
        migrations.AddIndex(
            model_name="funding",
            index=models.Index(
                condition=models.Q(("asset", "USD"), _negated=True),
                fields=["account"],
                name="funding_of_coins",
            ),
        ),
        migrations.AddConstraint(
            model_name="funding",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("asset", "USD"), ("fee", 0), ("value", models.F("amount"))),
                    models.Q(
                        models.Q(("asset", "USD"), _negated=True),
                        ("direction", "withdrawal"),
                        ("fee__gte", 0),
                        ("value__gt", 0),
                    ),
                    _connector="OR",
                ),
                name="funding_value_positive",
            ),
        ),
    ]
