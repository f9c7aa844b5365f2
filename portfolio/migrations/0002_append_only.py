from django.db import migrations

from foundation.append_only import AppendOnly


class Migration(migrations.Migration):
    dependencies = [("portfolio", "0001_initial"), ("foundation", "0001_initial")]

    operations = [
        AppendOnly("portfolio_ledgeraccount"),
        AppendOnly("portfolio_transfer"),
        AppendOnly("portfolio_equitysnapshot"),
    ]
