from django.db import migrations, models

INTENT = models.CharField(
    blank=True,
    choices=[
        ("buy_to_open", "buy to open"),
        ("buy_to_close", "buy to close"),
        ("sell_to_open", "sell to open"),
        ("sell_to_close", "sell to close"),
    ],
    default="",
    help_text="What it does to the position that it met when it was accepted.",
    max_length=13,
)


class Migration(migrations.Migration):
    dependencies = [("orders", "0003_orders_whole")]

    operations = [
        migrations.AddField(
            model_name="historicalorder", name="position_intent", field=INTENT.clone()
        ),
        migrations.AddField(model_name="order", name="position_intent", field=INTENT.clone()),
        # There were no shorts before: what was bought opened, and what was sold closed.
        migrations.RunSQL(
            """UPDATE orders_order SET position_intent =
                      CASE side WHEN 'buy' THEN 'buy_to_open' ELSE 'sell_to_close' END""",
            reverse_sql=migrations.RunSQL.noop,
        ),
    ]
