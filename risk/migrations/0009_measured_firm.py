from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """What all customers have at stake, kept; and alerts of one venue or feed each."""

    dependencies = [
        ("accounts", "0013_oversight"),
        ("marketdata", "0010_instrument_source_and_feeds"),
        ("risk", "0008_monitoring"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="FirmMeasurement",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                ("seconds", models.FloatField(help_text="What adding it up took.")),
                ("figures", models.JSONField()),
            ],
        ),
        migrations.RemoveConstraint(
            model_name="alert",
            name="alert_open_once",
        ),
        migrations.AddField(
            model_name="alert",
            name="subject",
            field=models.CharField(blank=True, default="", max_length=80),
        ),
        migrations.AddConstraint(
            model_name="alert",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "closed"), _negated=True),
                fields=("kind", "account", "instrument", "subject"),
                name="alert_open_once",
                nulls_distinct=False,
            ),
        ),
        migrations.AddConstraint(
            model_name="firmmeasurement",
            constraint=models.CheckConstraint(
                condition=models.Q(("id", 1)), name="firm_measurement_once"
            ),
        ),
    ]
