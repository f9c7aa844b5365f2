from django.db import migrations

# Seals ask which closings are new by the number that the database has given them.
INDEX = "CREATE INDEX lot_closing_booked ON portfolio_lotclosing (booked);"
NO_INDEX = "DROP INDEX lot_closing_booked;"


class Migration(migrations.Migration):
    dependencies = [
        ("portfolio", "0016_funding_followed"),
    ]

    operations = [
        migrations.RunSQL(INDEX, NO_INDEX),
    ]
