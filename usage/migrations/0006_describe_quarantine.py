from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('usage', '0005_close_stale_calls'),
    ]

    operations = [
        migrations.CreateModel(
            name='Quarantine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('node', models.TextField()),
                ('segment', models.TextField()),
                ('byte_offset', models.BigIntegerField()),
                ('reason', models.TextField()),
                ('payload', models.TextField()),
                ('raw', models.BinaryField()),
                ('quarantined_at', models.DateTimeField()),
            ],
            options={
                'verbose_name_plural': 'quarantine',
                'db_table': 'usage_quarantine',
                'ordering': ['-id'],
                'managed': False,
            },
        ),
    ]
