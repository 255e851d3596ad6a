from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('gateway', '0001_create_changelog'),
    ]

    operations = [
        migrations.CreateModel(
            name='Change',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('generation', models.BigIntegerField(null=True)),
                ('kind', models.TextField()),
                ('key', models.TextField()),
                ('payload', models.JSONField(null=True)),
                ('at', models.DateTimeField()),
            ],
            options={
                'db_table': 'gateway_change',
                'managed': False,
            },
        ),
        migrations.CreateModel(
            name='Counter',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('epoch', models.UUIDField()),
                ('generation', models.BigIntegerField()),
                ('horizon', models.BigIntegerField(default=0)),
            ],
            options={
                'db_table': 'gateway_counter',
                'managed': False,
            },
        ),
        migrations.CreateModel(
            name='Worker',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('node', models.TextField()),
                ('worker', models.TextField()),
                ('pid', models.IntegerField()),
                ('epoch', models.UUIDField(null=True)),
                ('generation', models.BigIntegerField()),
                ('is_stale', models.BooleanField()),
                ('rejected', models.JSONField(default=list)),
                ('spool_bytes', models.BigIntegerField(default=0)),
                ('decoded', models.BigIntegerField(default=0)),
                ('started_at', models.DateTimeField()),
                ('reported_at', models.DateTimeField()),
            ],
            options={
                'db_table': 'gateway_worker',
                'ordering': ['node', 'worker'],
                'managed': False,
            },
        ),
    ]
