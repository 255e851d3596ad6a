"""The catalog's own rows: what is searched, stars, collections."""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models
from django.db.models import F

from apis.models.contracts import Api, ApiVersion
from common.clock import now
from common.identifiers import new_public_id, validate_slug
from teams.models import Team, User


def new_collection_id() -> str:
    """Return a collection's public id."""
    return new_public_id("col")


def _vector() -> Any:
    parts: list[Any] = [
        SearchVector(field, weight=weight, config=config)
        for field, weight in (("title_words", "A"), ("label_words", "B"), ("operation_words", "C"), ("body_words", "D"))
        # Stems find "orders" by "order", plain words find what is no English and what is still being typed.
        for config in ("simple", "english")
    ]
    return reduce(add, parts)


class CatalogEntry(models.Model):
    """What the catalog knows of one API, written with each change of it: versions to show, words to find, numbers.

    `listed` is the version shown to those it is shared with, `best` the one shown to its own team. Words are folded
    (apis.words). Everything here can be computed anew: `manage.py rebuild_catalog`.
    """

    api = models.OneToOneField(Api, on_delete=models.CASCADE, related_name="entry")
    # What the API says of itself stands here once more: a search then reads one table.
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=6)
    visibility = models.CharField(max_length=8)
    category = models.CharField(max_length=60, blank=True)
    tags = ArrayField(models.CharField(max_length=40), default=list)
    listed = models.ForeignKey(ApiVersion, on_delete=models.SET_NULL, null=True, related_name="+")
    listed_state = models.CharField(max_length=10, blank=True)
    best = models.ForeignKey(ApiVersion, on_delete=models.SET_NULL, null=True, related_name="+")
    best_state = models.CharField(max_length=10, blank=True)
    used_by = models.PositiveIntegerField(default=0)
    published_at = models.DateTimeField(null=True)
    score = models.PositiveSmallIntegerField(null=True)
    title_words = models.TextField(blank=True)
    label_words = models.TextField(blank=True)
    operation_words = models.TextField(blank=True)
    body_words = models.TextField(blank=True)
    vector = models.GeneratedField(expression=_vector(), output_field=SearchVectorField(), db_persist=True)

    class Meta:
        indexes = [
            GinIndex(fields=["vector"], name="catalog_words"),
            GinIndex(OpClass("title_words", "gin_trgm_ops"), name="catalog_title"),
            # The first page of a long list is read in order, not sorted out of all.
            models.Index(fields=["name", "id"], name="catalog_by_name"),
            models.Index(F("used_by").desc(), F("name"), name="catalog_by_use"),
        ]

    def __str__(self) -> str:
        return f"{self.api} in the catalog"


class Favourite(models.Model):
    """An API that a person keeps at hand."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="favourites")
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "api"], name="favourite_once")]

    def __str__(self) -> str:
        return f"{self.api} of {self.user}"


class Collection(models.Model):
    """APIs that a team puts together for a purpose; everybody sees it, and in it the APIs that are shared with them."""

    public_id = models.CharField(max_length=40, unique=True, default=new_collection_id, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="collections")
    slug = models.CharField(max_length=60, unique=True, validators=[validate_slug])
    name = models.CharField(max_length=120)
    description = models.CharField(max_length=1000, blank=True)
    apis = models.ManyToManyField(Api, related_name="collections", blank=True)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=now, editable=False)
    row_version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
