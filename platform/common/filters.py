"""Filters that every list may use."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django_filters import IsoDateTimeFilter
from django_filters.fields import IsoDateTimeField


class MomentField(IsoDateTimeField):
    """A moment in UTC; PostgreSQL knows offsets below 16 hours only, and years from 1 to 9999."""

    def to_python(self, value: Any) -> datetime | None:
        """Return the moment, or say that there is none such."""
        try:
            found = super().to_python(value)
            return found.astimezone(UTC) if found else None
        except OverflowError:
            raise ValidationError(f"{str(value)[:40]!r} is no moment of the years 1 to 9999.", code="invalid")


class MomentFilter(IsoDateTimeFilter):
    """Compares with a moment given as RFC 3339."""

    field_class = MomentField
