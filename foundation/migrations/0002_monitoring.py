from django.db import migrations, models

from foundation.append_only import APP_ROLE


class Migration(migrations.Migration):
    """What processes measure of themselves, and a look at the database's own statistics."""

    dependencies = [
        ("foundation", "0001_initial"),
    ]

    operations = [
        # So that the program sees its database's sessions and standbys. The owner of an outside
        # database may be unable to grant it: then it sees less (docs/monitoring.md).
        migrations.RunSQL(
            sql=f"""
            DO $$ BEGIN
              GRANT pg_read_all_stats TO {APP_ROLE};
            EXCEPTION WHEN insufficient_privilege THEN
              RAISE NOTICE 'pg_read_all_stats was not granted to {APP_ROLE}';
            END $$;
            """,
            reverse_sql=migrations.RunSQL.noop,
        ),
        migrations.CreateModel(
            name="Measured",
            fields=[
                ("process", models.CharField(max_length=80, primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                ("token", models.UUIDField()),
                ("commit_ms", models.FloatField(null=True)),
                ("is_durable", models.BooleanField(null=True)),
                ("commits", models.JSONField(default=list)),
                ("acknowledgements", models.JSONField(default=list)),
            ],
        ),
    ]
