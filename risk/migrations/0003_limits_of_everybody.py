from django.db import migrations


def add(apps, schema_editor):
    apps.get_model("risk", "Limits").objects.using(schema_editor.connection.alias).get_or_create(
        account=None
    )


class Migration(migrations.Migration):
    """Without limits nothing may go: there is always one row for everybody."""

    dependencies = [("risk", "0002_append_only")]

    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
