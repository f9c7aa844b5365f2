from django.db import migrations, models


class Migration(migrations.Migration):
    """What was said of one order is found without reading all that was ever said.

    Ids of orders rise, so that an index of them grows at its end, as cheaply as one can.
    """

    dependencies = [("venues", "0004_control_venues")]

    operations = [
        migrations.AddIndex(
            "outboxmessage", models.Index(fields=["order_id"], name="outbox_of_order")
        ),
        migrations.AddIndex(
            "inboxreport", models.Index(fields=["client_order_id"], name="inbox_of_order")
        ),
    ]
