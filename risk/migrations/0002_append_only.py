from django.db import migrations

from foundation.append_only import AppendOnly


class Migration(migrations.Migration):
    dependencies = [("risk", "0001_initial"), ("foundation", "0001_initial")]

    operations = [
        AppendOnly("risk_decision"),
        AppendOnly("risk_historicallimits"),
    ]
