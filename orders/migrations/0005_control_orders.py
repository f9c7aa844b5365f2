from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("orders", "0004_position_intent")]

    operations = [
        migrations.AddField(
            model_name="historicalorder",
            name="number_in_minute",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="historicalorder",
            name="number_in_second",
            field=models.PositiveIntegerField(
                default=0, help_text="Of the account's orders and replacements in that second."
            ),
        ),
        migrations.AddField(
            model_name="order",
            name="number_in_minute",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="order",
            name="number_in_second",
            field=models.PositiveIntegerField(
                default=0, help_text="Of the account's orders and replacements in that second."
            ),
        ),
        migrations.AddIndex(
            model_name="trade",
            index=models.Index(fields=["booked_at"], name="trade_lately"),
        ),
    ]
