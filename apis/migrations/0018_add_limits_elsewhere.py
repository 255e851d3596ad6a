from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('apis', '0017_add_spectral'),
    ]

    operations = [
        migrations.AddField(
            model_name='plan',
            name='limits_elsewhere',
            field=models.JSONField(blank=True, help_text='In other environments than production; null is the same.', null=True),
        ),
    ]
