from django.db import migrations, models


class Migration(migrations.Migration):
    """What is sent again counts again; corrections may be withdrawn and lapse."""

    dependencies = [("reconciliation", "0004_seals")]

    operations = [
        migrations.RemoveConstraint(model_name="statementfile", name="statement_file_once"),
        migrations.AddField(
            model_name="statementfile",
            name="made_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AlterField(
            model_name="breakstep",
            name="kind",
            field=models.CharField(
                choices=[
                    ("found", "Found"),
                    ("changed", "Changed"),
                    ("taken", "Taken"),
                    ("assigned", "Assigned"),
                    ("noted", "Noted"),
                    ("explained", "Explained"),
                    ("refused", "Refused"),
                    ("accepted", "Accepted"),
                    ("asked", "correction asked for"),
                    ("corrected", "Corrected"),
                    ("withdrawn", "correction withdrawn"),
                    ("lapsed", "correction not decided on in time"),
                    ("resolved", "resolved by itself"),
                ],
                max_length=9,
            ),
        ),
    ]
