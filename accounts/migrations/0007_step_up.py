"""When a second factor was last proved in a sign-in, and how strong that was."""

from datetime import UTC, datetime

from django.db import migrations, models

# Of a sign-in from before this was noted nobody knows: it proves again.
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0006_fewer_indexes")]

    operations = [
        migrations.AddField(
            "signin",
            "proved_at",
            models.DateTimeField(
                default=LONG_AGO, help_text="When a second factor was last proved."
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            "signin",
            "strength",
            models.PositiveSmallIntegerField(
                choices=[(1, "weak"), (2, "strong"), (3, "verified")],
                default=1,
                help_text="Of that proof.",
            ),
            preserve_default=False,
        ),
    ]
