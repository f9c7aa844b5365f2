from django.db import migrations

# In which order closings were booked: a bust puts new ones in the place of old ones, with the times
# of those, and a tax report of before the bust has to know what was there then. The database gives
# the number, so that nobody who writes closings has to.
NUMBERED = """
ALTER TABLE portfolio_lotclosing ADD COLUMN booked bigint GENERATED ALWAYS AS IDENTITY;
"""
NOT_NUMBERED = "ALTER TABLE portfolio_lotclosing DROP COLUMN booked;"


class Migration(migrations.Migration):
    dependencies = [("portfolio", "0011_payees")]

    operations = [migrations.RunSQL(NUMBERED, NOT_NUMBERED)]
