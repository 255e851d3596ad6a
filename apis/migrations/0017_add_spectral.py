from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('apis', '0016_add_transfers'),
    ]

    operations = [
        migrations.AddField(
            model_name='lintruleset',
            name='spectral',
            field=models.TextField(blank=True),
        ),
    ]
