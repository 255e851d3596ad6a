"""Which environments there are, and what is deployed where."""

from __future__ import annotations

from django.db.models import Case, IntegerField, QuerySet, Value, When

from apis.guards import working_revision
from apis.lifecycle import ROUTED, publication_path
from apis.models import ApiVersion, Deployment, Environment, Revision


def environments() -> QuerySet[Environment]:
    """Return the environments, production first."""
    first = Case(When(slug="production", then=Value(0)), default=Value(1), output_field=IntegerField())
    return Environment.objects.order_by(first, "slug")


def environment_slugs() -> list[str]:
    """Return their slugs, production first."""
    return list(environments().values_list("slug", flat=True))


def way_to_production(version: ApiVersion, revision: Revision) -> str:
    """Return the page below a version's by which just this revision goes to production; "" where none does now."""
    if version.state not in ROUTED:
        working = working_revision(version)
        is_next = working is not None and working.pk == revision.pk
        path = publication_path(version.state, version.api.team.required_approvals)
        return f"publish?revision={revision.number}" if is_next and path else ""
    if revision.state == Revision.State.APPROVED:
        return f"revisions/{revision.number}/release"
    if revision.state == Revision.State.SUPERSEDED and revision.releases.exists():
        return f"revisions/{revision.number}/roll-back"
    return ""


def deployed(version: ApiVersion) -> list[tuple[Environment, Deployment | None]]:
    """Return each environment with what a version has in it."""
    rows = {row.environment_id: row for row in version.deployments.select_related("revision", "deployed_by")}
    return [(environment, rows.get(environment.pk)) for environment in environments()]
