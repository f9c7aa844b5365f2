from django.db import migrations, models


class Migration(migrations.Migration):
    """Whose prices of an instrument count, and how feeds from outside are doing."""

    dependencies = [
        ("marketdata", "0009_adjustments_and_archive"),
    ]

    operations = [
        migrations.AddField(
            model_name="historicalinstrument",
            name="source",
            field=models.CharField(
                blank=True,
                default="",
                help_text="Whose prices count: empty, those of our own exchange; or the name of a feed.",
                max_length=12,
            ),
        ),
        migrations.AddField(
            model_name="instrument",
            name="source",
            field=models.CharField(
                blank=True,
                default="",
                help_text="Whose prices count: empty, those of our own exchange; or the name of a feed.",
                max_length=12,
            ),
        ),
        migrations.CreateModel(
            name="FeedHealth",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("feed", models.CharField(max_length=12)),
                ("market", models.CharField(max_length=12)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("connecting", "connecting"),
                            ("proving", "proving"),
                            ("subscribing", "subscribing"),
                            ("live", "live"),
                            ("lost", "lost"),
                            ("refused", "refused"),
                        ],
                        max_length=12,
                    ),
                ),
                ("since", models.DateTimeField()),
                ("live_at", models.DateTimeField(help_text="When it was last live.", null=True)),
                ("heard_at", models.DateTimeField(null=True)),
                ("told_at", models.DateTimeField(null=True)),
                ("symbols", models.IntegerField(default=0)),
                ("messages", models.BigIntegerField(default=0)),
                ("messages_per_second", models.FloatField(default=0)),
                ("malformed", models.BigIntegerField(default=0)),
                ("reconnects", models.BigIntegerField(default=0)),
                ("whole_until", models.DateTimeField(null=True)),
                ("trades_filled", models.BigIntegerField(default=0)),
                ("lag_ms", models.IntegerField(null=True)),
                ("counted_since", models.DateTimeField()),
                ("written_at", models.DateTimeField()),
                ("detail", models.CharField(blank=True, default="", max_length=200)),
            ],
            options={
                "verbose_name": "feed",
                "ordering": ("feed", "market"),
                "constraints": [
                    models.UniqueConstraint(fields=("feed", "market"), name="feed_health_unique")
                ],
            },
        ),
    ]
