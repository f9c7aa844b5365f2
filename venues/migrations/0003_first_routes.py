from datetime import UTC, datetime

from django.db import migrations

from foundation.append_only import AppendOnly

EMBEDDED = "openfloor-exchange"
BEFORE_ALL = datetime(1970, 1, 1, tzinfo=UTC)


def add(apps, schema_editor):
    database = schema_editor.connection.alias
    venue = (
        apps.get_model("venues", "Venue")
        .objects.using(database)
        .create(name=EMBEDDED, kind="embedded")
    )
    # Nobody has heard of it yet: its silence keeps orders away until a gateway is at work.
    apps.get_model("venues", "VenueLink").objects.using(database).create(
        venue=venue, is_up=True, since=BEFORE_ALL, heard_at=BEFORE_ALL
    )
    apps.get_model("venues", "Route").objects.using(database).create(venue=venue)


class Migration(migrations.Migration):
    """The embedded exchange, where everything goes; and records that stay as they are."""

    dependencies = [("venues", "0002_routes_and_links"), ("foundation", "0001_initial")]

    operations = [
        migrations.RunPython(add, migrations.RunPython.noop),
        AppendOnly("venues_historicalvenue"),
        AppendOnly("venues_historicalroute"),
        AppendOnly("venues_parkedstep"),
    ]
