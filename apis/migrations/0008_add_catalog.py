import apis.models.catalog
import common.clock
import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.core.validators
import django.db.models.deletion
import re
from django.conf import settings
from django.contrib.postgres.operations import TrigramExtension
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('apis', '0007_add_farewell'),
        ('teams', '0002_add_events'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        # Trusted since PostgreSQL 13: the database's owner may add it.
        TrigramExtension(),
        migrations.AddField(
            model_name='api',
            name='category',
            field=models.CharField(blank=True, max_length=60),
        ),
        migrations.CreateModel(
            name='Collection',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.CharField(default=apis.models.catalog.new_collection_id, editable=False, max_length=40, unique=True)),
                ('slug', models.CharField(max_length=60, unique=True, validators=[django.core.validators.RegexValidator(re.compile('^[a-z0-9](?:[a-z0-9-]{0,58}[a-z0-9])?$'), 'Use lower-case letters, digits and hyphens, 60 characters at most, such as orders-eu.')])),
                ('name', models.CharField(max_length=120)),
                ('description', models.CharField(blank=True, max_length=1000)),
                ('created_at', models.DateTimeField(default=common.clock.now, editable=False)),
                ('row_version', models.PositiveIntegerField(default=1, editable=False)),
                ('apis', models.ManyToManyField(blank=True, related_name='collections', to='apis.api')),
                ('created_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('team', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='collections', to='teams.team')),
            ],
            options={
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='CatalogEntry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=120)),
                ('kind', models.CharField(max_length=6)),
                ('visibility', models.CharField(max_length=8)),
                ('category', models.CharField(blank=True, max_length=60)),
                ('tags', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=40), default=list, size=None)),
                ('listed_state', models.CharField(blank=True, max_length=10)),
                ('best_state', models.CharField(blank=True, max_length=10)),
                ('used_by', models.PositiveIntegerField(default=0)),
                ('published_at', models.DateTimeField(null=True)),
                ('title_words', models.TextField(blank=True)),
                ('label_words', models.TextField(blank=True)),
                ('operation_words', models.TextField(blank=True)),
                ('body_words', models.TextField(blank=True)),
                ('vector', models.GeneratedField(db_persist=True, expression=django.contrib.postgres.search.CombinedSearchVector(django.contrib.postgres.search.CombinedSearchVector(django.contrib.postgres.search.CombinedSearchVector(django.contrib.postgres.search.CombinedSearchVector(django.contrib.postgres.search.CombinedSearchVector(django.contrib.postgres.search.CombinedSearchVector(django.contrib.postgres.search.CombinedSearchVector(django.contrib.postgres.search.SearchVector('title_words', config='simple', weight='A'), '||', django.contrib.postgres.search.SearchVector('title_words', config='english', weight='A'), django.contrib.postgres.search.SearchConfig('simple')), '||', django.contrib.postgres.search.SearchVector('label_words', config='simple', weight='B'), django.contrib.postgres.search.SearchConfig('simple')), '||', django.contrib.postgres.search.SearchVector('label_words', config='english', weight='B'), django.contrib.postgres.search.SearchConfig('simple')), '||', django.contrib.postgres.search.SearchVector('operation_words', config='simple', weight='C'), django.contrib.postgres.search.SearchConfig('simple')), '||', django.contrib.postgres.search.SearchVector('operation_words', config='english', weight='C'), django.contrib.postgres.search.SearchConfig('simple')), '||', django.contrib.postgres.search.SearchVector('body_words', config='simple', weight='D'), django.contrib.postgres.search.SearchConfig('simple')), '||', django.contrib.postgres.search.SearchVector('body_words', config='english', weight='D'), django.contrib.postgres.search.SearchConfig('simple')), output_field=django.contrib.postgres.search.SearchVectorField())),
                ('api', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='entry', to='apis.api')),
                ('best', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='apis.apiversion')),
                ('listed', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='apis.apiversion')),
                ('team', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='teams.team')),
            ],
            options={
                'indexes': [django.contrib.postgres.indexes.GinIndex(fields=['vector'], name='catalog_words'), django.contrib.postgres.indexes.GinIndex(django.contrib.postgres.indexes.OpClass('title_words', 'gin_trgm_ops'), name='catalog_title')],
            },
        ),
        migrations.CreateModel(
            name='Favourite',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(default=common.clock.now, editable=False)),
                ('api', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='favourites', to='apis.api')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('user', 'api'), name='favourite_once')],
            },
        ),
    ]
