from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("venues", "0003_first_routes")]

    operations = [
        migrations.AddField(
            model_name="outboxmessage",
            name="party",
            field=models.CharField(blank=True, default="", max_length=36),
        ),
        migrations.AddField(
            model_name="outboxmessage",
            name="symbol",
            field=models.CharField(blank=True, default="", max_length=24),
        ),
        migrations.CreateModel(
            name="Block",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("order_id", models.UUIDField(null=True)),
                ("party", models.CharField(blank=True, default="", max_length=36)),
                ("symbol", models.CharField(blank=True, default="", max_length=24)),
                ("venue", models.CharField(blank=True, default="", max_length=24)),
                ("code", models.CharField(max_length=40)),
                ("since", models.DateTimeField()),
                ("lifted_at", models.DateTimeField(null=True)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("lifted_at", None)),
                        fields=["since"],
                        name="block_in_force",
                    )
                ],
            },
        ),
    ]
