from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('usage', '0001_create_ledger'),
    ]

    operations = [
        migrations.CreateModel(
            name='UsageEvent',
            fields=[
                ('pk', models.CompositePrimaryKey('at', 'id', 'attempt', blank=True, editable=False, primary_key=True, serialize=False)),
                ('at', models.DateTimeField()),
                ('id', models.UUIDField()),
                ('attempt', models.IntegerField()),
                ('state', models.TextField(choices=[('open', 'Under way'), ('finished', 'Finished'), ('interrupted', 'Interrupted')])),
                ('ingested_at', models.DateTimeField()),
                ('writer', models.TextField()),
                ('environment', models.TextField()),
                ('node', models.TextField()),
                ('worker', models.TextField()),
                ('generation', models.BigIntegerField()),
                ('kind', models.TextField()),
                ('api_id', models.TextField()),
                ('version_id', models.TextField()),
                ('operation_id', models.TextField()),
                ('owner_team_id', models.TextField()),
                ('application_id', models.TextField()),
                ('team_id', models.TextField()),
                ('subscription_id', models.TextField()),
                ('plan_id', models.TextField()),
                ('credential_id', models.TextField()),
                ('user_id', models.TextField()),
                ('is_try_it', models.BooleanField()),
                ('method', models.TextField()),
                ('path', models.TextField()),
                ('client_request_id', models.TextField()),
                ('provider', models.TextField()),
                ('model', models.TextField()),
                ('reserved_tokens', models.BigIntegerField()),
                ('reserved_usd', models.DecimalField(decimal_places=9, max_digits=24)),
                ('status', models.IntegerField()),
                ('code', models.TextField()),
                ('fault', models.TextField()),
                ('rule', models.TextField()),
                ('verdict', models.TextField()),
                ('upstream_status', models.IntegerField()),
                ('is_streamed', models.BooleanField()),
                ('is_client_gone', models.BooleanField()),
                ('total_ms', models.FloatField()),
                ('overhead_ms', models.FloatField()),
                ('upstream_ms', models.FloatField()),
                ('first_byte_ms', models.FloatField()),
                ('request_bytes', models.BigIntegerField()),
                ('response_bytes', models.BigIntegerField()),
                ('input_tokens', models.BigIntegerField()),
                ('output_tokens', models.BigIntegerField()),
                ('cached_tokens', models.BigIntegerField()),
                ('is_estimated', models.BooleanField()),
                ('cost_usd', models.DecimalField(decimal_places=9, max_digits=24)),
                ('price_state', models.TextField()),
            ],
            options={
                'db_table': 'usage_event',
                'ordering': ['at', 'id', 'attempt'],
                'managed': False,
            },
        ),
    ]
