import providers.models
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('providers', '0001_create_tables'),
    ]

    operations = [
        migrations.AlterField(
            model_name='provider',
            name='base_url',
            field=models.CharField(help_text='Up to and with the version, such as https://host/v1', max_length=500, validators=[providers.models.validate_base_url]),
        ),
    ]
