from django.db import migrations

from foundation.append_only import AppendOnly


class Migration(migrations.Migration):
    dependencies = [("orders", "0001_initial"), ("foundation", "0001_initial")]

    operations = [
        AppendOnly("orders_historicalorder"),
        AppendOnly("orders_trade"),
    ]
