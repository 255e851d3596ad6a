"""Which environments there are, and what is deployed where."""

from __future__ import annotations

from django.db.models import Case, IntegerField, QuerySet, Value, When

from apis.models import ApiVersion, Deployment, Environment


def environments() -> QuerySet[Environment]:
    """Return the environments, production first."""
    first = Case(When(slug="production", then=Value(0)), default=Value(1), output_field=IntegerField())
    return Environment.objects.order_by(first, "slug")


def environment_slugs() -> list[str]:
    """Return their slugs, production first."""
    return list(environments().values_list("slug", flat=True))


def deployed(version: ApiVersion) -> list[tuple[Environment, Deployment | None]]:
    """Return each environment with what a version has in it."""
    rows = {row.environment_id: row for row in version.deployments.select_related("revision", "deployed_by")}
    return [(environment, rows.get(environment.pk)) for environment in environments()]
