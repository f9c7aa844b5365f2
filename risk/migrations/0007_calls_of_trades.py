from decimal import Decimal

from django.db import migrations, models

import portfolio.models

# What was traded before there were such calls is left alone.
BEGIN_TODAY = "UPDATE risk_marginstatus SET judged_day = day - 1 WHERE day IS NOT NULL"


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0006_fewer_indexes"),
        ("risk", "0006_surveillance"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="margincall",
            name="margin_call_open_once",
        ),
        migrations.AddField(
            model_name="historicalmargincall",
            name="spared",
            field=portfolio.models.AmountField(
                decimal_places=9, default=Decimal("0"), max_digits=38
            ),
        ),
        migrations.AddField(
            model_name="margincall",
            name="spared",
            field=portfolio.models.AmountField(
                decimal_places=9, default=Decimal("0"), max_digits=38
            ),
        ),
        migrations.AddField(
            model_name="marginstatus",
            name="cleared_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="marginstatus",
            name="judged_day",
            field=models.DateField(null=True),
        ),
        migrations.AddField(
            model_name="marginstatus",
            name="prior_excess",
            field=portfolio.models.AmountField(decimal_places=9, max_digits=38, null=True),
        ),
        migrations.AlterField(
            model_name="historicalmargincall",
            name="kind",
            field=models.CharField(
                choices=[
                    ("maintenance", "Maintenance"),
                    ("house", "house: due at once"),
                    ("reg_t", "Regulation T"),
                    ("day_trade", "day trading"),
                ],
                max_length=12,
            ),
        ),
        migrations.AlterField(
            model_name="historicalmargincall",
            name="met_by",
            field=models.CharField(
                blank=True,
                choices=[
                    ("deposit", "Deposit"),
                    ("price", "Price"),
                    ("sale", "Sale"),
                    ("liquidation", "Liquidation"),
                    ("time", "90 days on cash alone"),
                ],
                default="",
                max_length=12,
            ),
        ),
        migrations.AlterField(
            model_name="margincall",
            name="kind",
            field=models.CharField(
                choices=[
                    ("maintenance", "Maintenance"),
                    ("house", "house: due at once"),
                    ("reg_t", "Regulation T"),
                    ("day_trade", "day trading"),
                ],
                max_length=12,
            ),
        ),
        migrations.AlterField(
            model_name="margincall",
            name="met_by",
            field=models.CharField(
                blank=True,
                choices=[
                    ("deposit", "Deposit"),
                    ("price", "Price"),
                    ("sale", "Sale"),
                    ("liquidation", "Liquidation"),
                    ("time", "90 days on cash alone"),
                ],
                default="",
                max_length=12,
            ),
        ),
        migrations.AddConstraint(
            model_name="margincall",
            constraint=models.UniqueConstraint(
                condition=models.Q(
                    models.Q(("status", "met"), _negated=True),
                    ("kind__in", ["maintenance", "house"]),
                ),
                fields=("account",),
                name="margin_call_open_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="margincall",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", "met"), _negated=True),
                fields=("account", "kind"),
                name="margin_call_open_once_a_kind",
            ),
        ),
        migrations.RunSQL(BEGIN_TODAY, migrations.RunSQL.noop),
    ]
