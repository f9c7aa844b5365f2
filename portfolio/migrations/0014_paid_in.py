"""What came from outside is kept with a balance: it was summed anew for every look at an account."""

from decimal import Decimal

from django.db import migrations

import portfolio.amounts

SUMMED = """
UPDATE portfolio_balance b SET paid_in = flow.amount
  FROM (SELECT own.id, sum(CASE WHEN t.credit_id = own.id THEN t.amount ELSE -t.amount END)
                 AS amount
          FROM portfolio_transfer t
          JOIN portfolio_ledgeraccount own ON own.id IN (t.debit_id, t.credit_id)
           AND own.kind = 'customer'
          JOIN portfolio_ledgeraccount other ON other.id IN (t.debit_id, t.credit_id)
           AND other.kind IN ('bank', 'clearing')
         WHERE t.kind IN ('deposit', 'withdrawal', 'reversal', 'correction')
         GROUP BY own.id) flow
 WHERE flow.id = b.ledger_account_id
"""


class Migration(migrations.Migration):
    dependencies = [
        ("portfolio", "0013_payee_same"),
    ]

    operations = [
        migrations.AddField(
            model_name="balance",
            name="paid_in",
            field=portfolio.amounts.AmountField(default=Decimal(0)),
        ),
        migrations.RunSQL(SUMMED, migrations.RunSQL.noop),
    ]
