from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("risk", "0004_limits_and_switches")]

    operations = []
