from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("portfolio", "0007_funding_and_interest")]

    operations = []
