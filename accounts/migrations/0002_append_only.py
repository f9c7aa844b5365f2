from django.db import migrations

from foundation.append_only import AppendOnly


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial"), ("foundation", "0001_initial")]

    operations = [
        AppendOnly("accounts_activity"),
        AppendOnly("accounts_historicaluser"),
        AppendOnly("accounts_historicalaccount"),
        AppendOnly("accounts_historicalapikey"),
    ]
