import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("marketdata", "0003_quote_sequence")]

    operations = [
        migrations.AddField(
            model_name="quote",
            name="paths",
            field=models.BigIntegerField(default=0),
        ),
        migrations.CreateModel(
            name="PricePath",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("slot", models.SmallIntegerField()),
                ("number", models.BigIntegerField()),
                ("source", models.CharField(max_length=12)),
                ("points", models.JSONField()),
                (
                    "instrument",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="marketdata.instrument",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("instrument", "slot"), name="price_path_slot")
                ],
            },
        ),
    ]
