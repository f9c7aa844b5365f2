from django.db import migrations, models


class Migration(migrations.Migration):
    """What the last check of the invariants came to."""

    dependencies = [
        ("reconciliation", "0005_sent_again"),
    ]

    operations = [
        migrations.CreateModel(
            name="InvariantCheck",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                ("count", models.PositiveSmallIntegerField(help_text="How many were checked.")),
                ("broken", models.JSONField(default=list)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("id", 1)), name="invariant_check_once"
                    )
                ],
            },
        ),
    ]
