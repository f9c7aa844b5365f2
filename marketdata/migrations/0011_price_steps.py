from decimal import Decimal

from django.db import migrations, models

import marketdata.models

FINE = marketdata.models.PriceField(
    blank=True, null=True, help_text="In what steps prices go below 'fine below'."
)
FINE_BELOW = marketdata.models.PriceField(
    blank=True, null=True, help_text="From this price on steps are the usual ones."
)


def as_the_law_says(apps, editor):
    """Shares that go in cents go in hundredths of a cent below a dollar: rule 612."""
    apps.get_model("marketdata", "Instrument").objects.using(editor.connection.alias).filter(
        asset_class="us_equity", price_increment=Decimal("0.01")
    ).update(fine_increment=Decimal("0.0001"), fine_below=Decimal(1))


class Migration(migrations.Migration):
    dependencies = [("marketdata", "0010_instrument_source_and_feeds")]

    operations = [
        *(
            migrations.AddField(model_name=model, name=name, field=field)
            for model in ("historicalinstrument", "instrument")
            for name, field in (("fine_below", FINE_BELOW), ("fine_increment", FINE))
        ),
        migrations.RunPython(as_the_law_says, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="instrument",
            constraint=models.CheckConstraint(
                name="instrument_price_steps",
                condition=models.Q(fine_increment=None, fine_below=None)
                | models.Q(
                    fine_increment__isnull=False,
                    fine_increment__gt=0,
                    fine_increment__lt=models.F("price_increment"),
                    fine_below__isnull=False,
                    fine_below__gt=0,
                ),
            ),
        ),
    ]
