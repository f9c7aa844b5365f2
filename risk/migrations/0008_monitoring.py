import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Alerts take a path through channels until somebody acknowledges them."""

    dependencies = [
        ("accounts", "0012_phones"),
        ("marketdata", "0010_instrument_source_and_feeds"),
        ("risk", "0007_calls_of_trades"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Telling",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("channel", models.CharField(max_length=40)),
                ("step", models.PositiveSmallIntegerField()),
                ("evidence", models.BigIntegerField()),
                ("written_at", models.DateTimeField()),
                ("next_at", models.DateTimeField(help_text="When it is tried to be told next.")),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("sent_at", models.DateTimeField(null=True)),
                ("given_up_at", models.DateTimeField(null=True)),
                ("failure", models.CharField(blank=True, default="", max_length=200)),
            ],
        ),
        migrations.RemoveIndex(
            model_name="alert",
            name="alert_untold",
        ),
        migrations.AddField(
            model_name="alert",
            name="acknowledged_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="alert",
            name="next_step_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="alert",
            name="steps_told",
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="alertstep",
            name="through",
            field=models.CharField(blank=True, default="", max_length=40),
        ),
        migrations.AlterField(
            model_name="alertstep",
            name="by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="alertstep",
            name="kind",
            field=models.CharField(
                choices=[
                    ("acknowledged", "Acknowledged"),
                    ("taken", "Taken"),
                    ("noted", "Noted"),
                    ("escalated", "Escalated"),
                    ("closed", "Closed"),
                ],
                max_length=12,
            ),
        ),
        migrations.AddIndex(
            model_name="alert",
            index=models.Index(
                condition=models.Q(
                    ("told_at__isnull", True), models.Q(("state", "closed"), _negated=True)
                ),
                fields=["raised_at"],
                name="alert_to_tell",
            ),
        ),
        migrations.AddIndex(
            model_name="alert",
            index=models.Index(
                condition=models.Q(("next_step_at__isnull", False)),
                fields=["next_step_at"],
                name="alert_to_escalate",
            ),
        ),
        migrations.AddConstraint(
            model_name="alertstep",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("by__isnull", False), models.Q(("through", ""), _negated=True), _connector="OR"
                ),
                name="alert_step_by_somebody",
            ),
        ),
        migrations.AddField(
            model_name="telling",
            name="alert",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="tellings",
                to="risk.alert",
            ),
        ),
        migrations.AddIndex(
            model_name="telling",
            index=models.Index(
                condition=models.Q(("given_up_at", None), ("sent_at", None)),
                fields=["channel", "next_at"],
                name="telling_due",
            ),
        ),
        migrations.AddConstraint(
            model_name="telling",
            constraint=models.UniqueConstraint(
                fields=("alert", "evidence", "step", "channel"), name="telling_once"
            ),
        ),
    ]
