from __future__ import annotations

from decimal import Decimal

import django.contrib.postgres.indexes
import django.db.models.deletion
from django.db import migrations, models

import portfolio.models

# How this program rounds to cents everywhere, half to even: PostgreSQL's own round() takes halves
# away from zero. With a half, twice the rounded half of the cents is the even neighbour.
CENTS = """
CREATE FUNCTION portfolio_cents(amount numeric) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN abs(amount * 100 - trunc(amount * 100)) = 0.5
              THEN 2 * round(amount * 50) * 0.01
              ELSE round(amount, 2) END
$$;
"""

# What days that are closed already had been paid is known from the ledger. What they had realised
# is not, so that the first day after this begins with all of it.
KNOWN_ALREADY = """
ALTER TABLE portfolio_equitysnapshot DISABLE TRIGGER append_only;
UPDATE portfolio_equitysnapshot s
   SET paid_in = COALESCE((
         SELECT sum(CASE WHEN t.credit_id = own.id THEN t.amount ELSE -t.amount END)
           FROM portfolio_ledgeraccount own
           JOIN portfolio_transfer t ON own.id IN (t.credit_id, t.debit_id)
          WHERE own.owner_id = s.account_id AND own.asset = 'USD'
            AND t.kind IN ('deposit', 'withdrawal') AND t.at <= s.at), 0),
       realised = COALESCE((
         SELECT sum(p.realised) FROM portfolio_position p WHERE p.account_id = s.account_id), 0);
ALTER TABLE portfolio_equitysnapshot ENABLE TRIGGER append_only;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_margin_and_approvals"),
        ("portfolio", "0008_corporate_actions"),
    ]

    operations = [
        migrations.AddField(
            model_name="equitysnapshot",
            name="paid_in",
            field=portfolio.models.AmountField(
                decimal_places=9, default=Decimal("0"), max_digits=38
            ),
        ),
        migrations.AddField(
            model_name="equitysnapshot",
            name="realised",
            field=portfolio.models.AmountField(
                decimal_places=9, default=Decimal("0"), max_digits=38
            ),
        ),
        migrations.RunSQL(KNOWN_ALREADY, migrations.RunSQL.noop),
        migrations.RunSQL(CENTS, "DROP FUNCTION portfolio_cents(numeric)"),
        migrations.AddIndex(
            model_name="transfer",
            index=models.Index(
                condition=models.Q(
                    ("kind__in", ("deposit", "withdrawal", "reversal", "correction"))
                ),
                fields=["credit"],
                name="transfer_flow_in",
            ),
        ),
        migrations.AddIndex(
            model_name="transfer",
            index=models.Index(
                condition=models.Q(
                    ("kind__in", ("deposit", "withdrawal", "reversal", "correction"))
                ),
                fields=["debit"],
                name="transfer_flow_out",
            ),
        ),
        migrations.CreateModel(
            name="EquityPoint",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "account",
                        "at",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("at", models.DateTimeField()),
                ("equity", models.DecimalField(decimal_places=9, max_digits=38)),
                ("paid_in", models.DecimalField(decimal_places=9, max_digits=38)),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.account",
                    ),
                ),
            ],
            options={
                "indexes": [
                    django.contrib.postgres.indexes.BrinIndex(fields=["at"], name="equity_point_at")
                ],
            },
        ),
    ]
