from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("portfolio", "0005_ledger_whole")]

    operations = []
