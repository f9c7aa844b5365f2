from django.db import migrations

from foundation.append_only import AppendOnly


class Migration(migrations.Migration):
    dependencies = [("exchange", "0001_initial"), ("foundation", "0001_initial")]

    operations = [
        AppendOnly("exchange_memberorder"),
        AppendOnly("exchange_membercancel"),
        AppendOnly("exchange_memberreport"),
    ]
