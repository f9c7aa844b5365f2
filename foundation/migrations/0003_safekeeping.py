from django.db import migrations, models


class Migration(migrations.Migration):
    """How far the database is backed up."""

    dependencies = [
        ("foundation", "0002_monitoring"),
    ]

    operations = [
        migrations.CreateModel(
            name="Safekeeping",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("since", models.DateTimeField()),
                ("seen_at", models.DateTimeField()),
                ("backup_at", models.DateTimeField(null=True)),
                ("log_until", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name": "backup",
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("id", 1)), name="safekeeping_once")
                ],
            },
        ),
    ]
