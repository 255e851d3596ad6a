import common.clock
import django.core.validators
import django.db.models.deletion
import providers.models
import re
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Model',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(help_text='As the provider calls it.', max_length=200)),
                ('display_name', models.CharField(blank=True, max_length=200)),
                ('context_tokens', models.PositiveIntegerField(blank=True, null=True)),
                ('max_output_tokens', models.PositiveIntegerField(blank=True, null=True)),
                ('modalities', models.JSONField(blank=True, default=list)),
                ('is_active', models.BooleanField(default=True)),
                ('row_version', models.PositiveIntegerField(default=1, editable=False)),
                ('created_at', models.DateTimeField(default=common.clock.now, editable=False)),
            ],
            options={
                'ordering': ['provider__slug', 'name'],
            },
        ),
        migrations.CreateModel(
            name='Provider',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.CharField(default=providers.models.new_provider_id, editable=False, max_length=40, unique=True)),
                ('slug', models.CharField(max_length=60, unique=True, validators=[django.core.validators.RegexValidator(re.compile('^[a-z0-9](?:[a-z0-9-]{0,58}[a-z0-9])?$'), 'Use lower-case letters, digits and hyphens, 60 characters at most, such as orders-eu.')])),
                ('name', models.CharField(max_length=120)),
                ('wire', models.CharField(choices=[('openai', 'OpenAI-compatible')], default='openai', max_length=20)),
                ('base_url', models.URLField(help_text='Up to and with the version, such as https://host/v1', max_length=500)),
                ('price_provider', models.CharField(blank=True, help_text="The provider's id in the price library, when it is one of its own.", max_length=60)),
                ('is_active', models.BooleanField(default=True)),
                ('row_version', models.PositiveIntegerField(default=1, editable=False)),
                ('created_at', models.DateTimeField(default=common.clock.now, editable=False)),
            ],
            options={
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='ModelAlias',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=60, unique=True, validators=[django.core.validators.RegexValidator(re.compile('^[a-z0-9](?:[a-z0-9-]{0,58}[a-z0-9])?$'), 'Use lower-case letters, digits and hyphens, 60 characters at most, such as orders-eu.')])),
                ('created_at', models.DateTimeField(default=common.clock.now, editable=False)),
                ('model', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='aliases', to='providers.model')),
            ],
        ),
        migrations.CreateModel(
            name='ModelPrice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('input_usd_per_million', models.DecimalField(decimal_places=6, max_digits=14, validators=[django.core.validators.MinValueValidator(0)])),
                ('output_usd_per_million', models.DecimalField(decimal_places=6, max_digits=14, validators=[django.core.validators.MinValueValidator(0)])),
                ('cached_input_usd_per_million', models.DecimalField(blank=True, decimal_places=6, max_digits=14, null=True, validators=[django.core.validators.MinValueValidator(0)])),
                ('effective_at', models.DateTimeField(default=common.clock.now)),
                ('model', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='prices', to='providers.model')),
            ],
            options={
                'ordering': ['-effective_at'],
            },
        ),
        migrations.AddField(
            model_name='model',
            name='provider',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='models', to='providers.provider'),
        ),
        migrations.CreateModel(
            name='ProviderKey',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.CharField(default=providers.models.new_provider_key_id, editable=False, max_length=40, unique=True)),
                ('name', models.CharField(max_length=120)),
                ('sealed', models.BinaryField()),
                ('last_four', models.CharField(editable=False, max_length=4)),
                ('is_active', models.BooleanField(default=True)),
                ('created_at', models.DateTimeField(default=common.clock.now, editable=False)),
                ('provider', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='keys', to='providers.provider')),
            ],
        ),
        migrations.AddConstraint(
            model_name='model',
            constraint=models.UniqueConstraint(fields=('provider', 'name'), name='model_once_per_provider'),
        ),
    ]
