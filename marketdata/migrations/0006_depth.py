import django.db.models.deletion
from django.db import migrations, models

# Written over several times a second and worth nothing a second later: no log of it is kept, and
# its rows find room beside themselves.
NOT_LOGGED = """
    ALTER TABLE marketdata_depth SET UNLOGGED;
    ALTER TABLE marketdata_depth SET (fillfactor = 40);
"""


class Migration(migrations.Migration):
    dependencies = [("marketdata", "0005_margin_terms")]

    operations = [
        migrations.CreateModel(
            name="Depth",
            fields=[
                (
                    "instrument",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="marketdata.instrument",
                    ),
                ),
                ("sequence", models.BigIntegerField()),
                ("source", models.CharField(max_length=12)),
                ("at", models.DateTimeField()),
                ("bids", models.JSONField()),
                ("asks", models.JSONField()),
            ],
        ),
        migrations.RunSQL(NOT_LOGGED, migrations.RunSQL.noop),
    ]
