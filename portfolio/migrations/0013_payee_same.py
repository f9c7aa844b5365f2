"""Payees of one bank account are found together."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("portfolio", "0012_closings_numbered"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="payee",
            index=models.Index(fields=["fingerprint"], name="payee_same"),
        ),
    ]
