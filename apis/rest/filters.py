"""Filters of the lists of apis."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django_filters import BooleanFilter, CharFilter, ChoiceFilter
from django_filters.rest_framework.filterset import FilterSet

from apis.models import Api, ApiVersion, ImportJob, Plan, Subscription
from apis.selectors import search_apis, visible_versions


class ApiFilter(FilterSet):
    """`?q=` searches as the catalog does."""

    q = CharFilter(method="search")
    team = CharFilter(field_name="team__public_id")
    kind = ChoiceFilter(choices=Api.Kind.choices)
    visibility = ChoiceFilter(choices=Api.Visibility.choices)
    tag = CharFilter(method="with_tag")
    state = ChoiceFilter(choices=ApiVersion.State.choices, method="with_state")

    class Meta:
        model = Api
        fields: ClassVar[list[str]] = []

    def search(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        """Narrow to rows that hold every word."""
        return search_apis(rows, value)

    def with_tag(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        """Narrow to rows with a tag."""
        return rows.filter(tags__contains=[value.lower()])

    def with_state(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        """Narrow to APIs with a version in a state, as far as one may see the version."""
        seen = visible_versions(self.request.user).filter(state=value)
        return rows.filter(pk__in=seen.values("api"))


class VersionFilter(FilterSet):
    """By API and state."""

    api = CharFilter(field_name="api__public_id")
    state = ChoiceFilter(choices=ApiVersion.State.choices)

    class Meta:
        model = ApiVersion
        fields: ClassVar[list[str]] = []


class ImportFilter(FilterSet):
    """By state."""

    state = ChoiceFilter(choices=ImportJob.State.choices)

    class Meta:
        model = ImportJob
        fields: ClassVar[list[str]] = []


class PlanFilter(FilterSet):
    """By API."""

    api = CharFilter(field_name="api__public_id")
    is_open = BooleanFilter()

    class Meta:
        model = Plan
        fields: ClassVar[list[str]] = []


class SubscriptionFilter(FilterSet):
    """By application, version and state."""

    application = CharFilter(field_name="application__public_id")
    version = CharFilter(field_name="version__public_id")
    state = ChoiceFilter(choices=Subscription.State.choices)

    class Meta:
        model = Subscription
        fields: ClassVar[list[str]] = []
