from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('teams', '0009_fill_team_tree'),
    ]

    operations = [
        migrations.AddField(
            model_name='user',
            name='session_epoch',
            field=models.PositiveIntegerField(default=0, editable=False),
        ),
    ]
