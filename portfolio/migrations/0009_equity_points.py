from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("portfolio", "0008_corporate_actions")]

    operations = []
