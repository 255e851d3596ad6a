"""What is served beside a version's current revision: other environments, a canary, what owners may call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from apis.guards import has_upstream
from apis.lifecycle import DEPLOYABLE, ROUTED
from apis.models import Api, ApiVersion, Canary, Deployment, Environment, Revision
from gateway.dataplane.alternates import PRODUCTION

if TYPE_CHECKING:
    from gateway.control.changelog import Entry

# Owners call what is under work; older ones were offered and must be taken back.
OFFERED = ("draft", "in_review", "approved")
LAST = 10


def compile_beside(version: ApiVersion) -> Iterator[Entry]:
    """Yield the records beside a version's own, those that are over as deletions."""
    wanted = _wanted(version) if version.state in DEPLOYABLE and version.api.kind == Api.Kind.REST else {}
    for name in _known(version) | set(wanted):
        key = f"{version.public_id}~{name}"
        if name in wanted:
            yield from _records(version, key, name, *wanted[name])
        else:
            yield "route", key, None
            yield "upstream", key, None


def _wanted(version: ApiVersion) -> dict[str, tuple[Revision, str, dict[str, Any]]]:
    """Return by name the revision, its upstream where it has another, and further fields of its route."""
    wanted: dict[str, tuple[Revision, str, dict[str, Any]]] = {}
    rows = Deployment.objects.select_related("revision", "environment").filter(version=version)
    for row in rows.exclude(environment__slug=PRODUCTION):
        environment = row.environment.slug
        fields = {"environment": environment, "has_own_upstream": bool(row.upstream_url)}
        wanted[f"env:{environment}"] = (row.revision, row.upstream_url, fields)
    if version.state not in ROUTED:
        # Beside nothing: production does not know the version yet.
        return wanted
    for revision in version.revisions.filter(state__in=OFFERED).exclude(content_hash=""):
        if has_upstream(revision):
            wanted[f"rev:{revision.number}"] = (revision, "", {})
    canary = Canary.objects.select_related("revision").filter(version=version, state=Canary.State.RUNNING).first()
    if canary is not None:
        trial = {
            "canary_percent": canary.percent,
            "canary_header": canary.header,
            "canary_value": canary.header_value,
            "canary_max_error_percent": canary.max_error_percent,
        }
        wanted["canary"] = (canary.revision, "", trial)
    return wanted


def _records(
    version: ApiVersion, key: str, name: str, revision: Revision, upstream_url: str, fields: dict[str, Any]
) -> Iterator[Entry]:
    from gateway.control.compiler import compile_route, compile_upstream

    yield "upstream", key, compile_upstream(revision, upstream_url)
    yield "route", key, compile_route(version, revision, beside=version.public_id, alternate=name, **fields)


def _known(version: ApiVersion) -> set[str]:
    """Return the names under which something may have been offered before."""
    numbers = version.revisions.order_by("-number").values_list("number", flat=True)[:LAST]
    environments = Environment.objects.exclude(slug=PRODUCTION).values_list("slug", flat=True)
    return {"canary", *(f"rev:{number}" for number in numbers), *(f"env:{slug}" for slug in environments)}
