"""Filters of usage's lists."""

from __future__ import annotations

from django_filters import CharFilter, DateFilter
from django_filters.rest_framework.filterset import FilterSet

from usage.models import CostReport


class CostReportFilter(FilterSet):
    """By team (public id) and month (its first day)."""

    team = CharFilter(field_name="team__public_id")
    month = DateFilter()

    class Meta:
        model = CostReport
        fields = ("team", "month")
