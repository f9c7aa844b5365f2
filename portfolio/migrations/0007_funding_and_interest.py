from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("portfolio", "0006_lots_and_fees")]

    operations = []
