from django.db import migrations


class Migration(migrations.Migration):
    """The numbers that `Quote.sequence` is drawn from."""

    dependencies = [("marketdata", "0002_append_only")]

    operations = [
        migrations.RunSQL(
            sql="CREATE SEQUENCE marketdata_quote_sequence",
            reverse_sql="DROP SEQUENCE marketdata_quote_sequence",
        )
    ]
