from django.db import migrations, models

from foundation.append_only import APP_ROLE


class Migration(migrations.Migration):
    """The role that the running program uses, what it may do, and who is alive."""

    initial = True

    operations = [
        migrations.RunSQL(
            sql=f"""
            DO $$ BEGIN
              CREATE ROLE {APP_ROLE} NOLOGIN;
            EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
            END $$;
            GRANT {APP_ROLE} TO CURRENT_USER;
            GRANT USAGE ON SCHEMA public TO {APP_ROLE};
            GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {APP_ROLE};
            GRANT USAGE, SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA public TO {APP_ROLE};
            ALTER DEFAULT PRIVILEGES IN SCHEMA public
              GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {APP_ROLE};
            ALTER DEFAULT PRIVILEGES IN SCHEMA public
              GRANT USAGE, SELECT, UPDATE ON SEQUENCES TO {APP_ROLE};
            CREATE FUNCTION openfloor_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
              RAISE EXCEPTION '% is append-only: a correction is a new row', TG_TABLE_NAME
                USING ERRCODE = 'insufficient_privilege';
            END $$;
            """,
            reverse_sql="DROP FUNCTION openfloor_refuse_change();",
        ),
        migrations.CreateModel(
            name="Heartbeat",
            fields=[
                (
                    "part",
                    models.CharField(max_length=40, primary_key=True, serialize=False),
                ),
                ("at", models.DateTimeField()),
                ("restarts", models.PositiveIntegerField(default=0)),
                ("detail", models.CharField(blank=True, default="", max_length=200)),
            ],
        ),
    ]
