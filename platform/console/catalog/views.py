"""The catalog: find an API, read its docs, decide, get a key."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse

from apis.design.outline import document_summary
from apis.lifecycle import LISTED, ROUTED
from apis.models import ApiVersion, Collection, DeprecationNotice, Favourite, Operation
from apis.selectors import (
    Catalog,
    CatalogFilters,
    Facets,
    api_for,
    catalog_rows,
    latest_version,
    previous_version,
    served_document,
    version_for,
    visible_versions,
    working_copy,
)
from apis.selectors.access import askable_for
from apis.selectors.overlays import documented_environments, read_environment, shown_document, shown_operations
from apis.selectors.used_by import named_users, used_by
from apis.services.collections import set_favourite
from apis.services.farewell import acknowledge_deprecation
from common.clock import now
from common.errors import NotFound
from common.permissions import page
from console.catalog.recommend import operation_url
from console.pages import Tab, render_page
from console.tables import Table
from teams.models import User
from teams.roles import has_permission, permissions_somewhere, teams_with
from usage.selectors import measured_level

MOST_NAMED = 10
ORDERS = (("", "Best match"), ("name", "Name"), ("newest", "Newest"), ("used", "Most used"), ("score", "Best score"))


@page("signed_in")
def catalog(request: HttpRequest) -> HttpResponse:
    """Search and narrow the APIs this person may see."""
    user: User = request.user  # type: ignore[assignment]
    filters = read_filters(request)
    catalog = Catalog(user, filters)
    found = catalog.facets()
    table = Table(request, catalog.entries(), columns={}, total=found.total)
    may = permissions_somewhere(user)
    context = {
        "table": table,
        "rows": catalog_rows(table.rows),
        "filters": filters,
        "facets": [facet_links(request, name, values) for name, values in _named(found)],
        "nearest": catalog.nearest() if filters.words and not table.total else (),
        "orders": ORDERS,
        "askable": askable_for(user, filters.words, catalog.sight)[:10] if filters.is_of_all else (),
        "can_collect": "apis.manage" in may,
        "collections": Collection.objects.order_by("name")[:50] if not filters.is_narrowed else (),
        "can_create": "apis.design" in may,
    }
    return render_page(request, "catalog/list.html", context, fragment="results")


def read_filters(request: HttpRequest) -> CatalogFilters:
    """Read the filters of the URL."""
    given: dict[str, Any] = {
        name: request.GET.get(name, "")[:100] for name in ("kind", "team", "state", "tag", "category", "score")
    }
    return CatalogFilters(
        **given,
        words=" ".join(request.GET.get("q", "").split())[:200],
        order=request.GET.get("sort", "")[:20],
        is_mine=request.GET.get("mine") == "1",
        is_favourite=request.GET.get("starred") == "1",
    )


def _named(found: Facets) -> list[tuple[str, Any]]:
    return [
        ("kind", found.kinds),
        ("category", found.categories),
        ("team", found.teams[:20]),
        ("state", found.states),
        ("score", found.scores),
        ("tag", found.tags[:20]),
    ]


def facet_links(request: HttpRequest, name: str, values: Any) -> dict[str, Any]:
    """Return a facet with a URL per value; the chosen one leads back."""
    chosen = request.GET.get(name, "")
    links = []
    for value in values:
        query = request.GET.copy()
        query.pop("page", None)
        if value.value == chosen:
            query.pop(name, None)
        else:
            query[name] = value.value
        links.append((value.label, value.count, f"?{query.urlencode()}", value.value == chosen))
    return {"name": name, "title": {"tag": "Tags"}.get(name, name.capitalize()), "links": links}


def page_tabs(version: ApiVersion, current: str) -> list[Tab]:
    """Return the tabs of an API's pages."""
    api = version.api
    base = f"/catalog/{api.team.slug}/{api.slug}"
    tabs = [
        ("overview", "Overview", f"{base}/{version.name}"),
        ("docs", "Docs", f"{base}/{version.name}/docs"),
        ("changelog", "Changelog", f"{base}/{version.name}/changelog"),
        ("plans", "Plans", f"{base}/{version.name}/plans"),
        ("reference", "Reference", f"{base}/{version.name}/reference"),
        ("versions", "Versions", f"{base}/versions"),
    ]
    return [Tab(title, url, name == current) for name, title, url in tabs]


def head_of(version: ApiVersion, user: User, current: str) -> dict[str, Any]:
    """Return the context every page of a version has: crumbs, tabs, addresses, what this person may do."""
    api = version.api
    is_open = version.state in {"published", "preview"}
    held = permissions_somewhere(user) if is_open else frozenset()
    return {
        "version": version,
        "api": api,
        "tabs": page_tabs(version, current),
        "crumbs": [("Catalog", "/catalog"), (api.team.name, f"/catalog?team={api.team.slug}")],
        "base_url": f"{settings.GATEHOUSE_GATEWAY_URL}{api.base_path}/{version.name}",
        "is_listed": version.state in LISTED,
        "can_edit": has_permission(user, api.team, "apis.design"),
        "is_open": is_open,
        "can_subscribe": "applications.manage" in held,
        "can_get_key": {"applications.manage", "keys.manage"} <= held,
        "is_favourite": Favourite.objects.filter(user=user, api=api).exists(),
        "to_note": _to_note(version, user),
        "brownouts": version.brownouts.filter(ends_at__gt=now()) if version.state == "deprecated" else (),
        "workspace_url": f"/workspace/{api.team.slug}/{api.slug}/{version.name}",
    }


def _to_note(version: ApiVersion, user: User) -> list[DeprecationNotice]:
    """Return what this person may still take note of, for applications of own teams."""
    if version.state != ApiVersion.State.DEPRECATED:
        return []
    mine = teams_with(user, "applications.manage").values("pk")
    rows = version.deprecation_notices.filter(acknowledged_at=None, application__team__in=mine)
    return list(rows.select_related("application__team")[:50])


@page("signed_in", methods=("POST",))
def star(request: HttpRequest, team: str, api: str) -> HttpResponse:
    """Keep an API at hand, or no more."""
    user: User = request.user  # type: ignore[assignment]
    found = api_for(user, team, api)
    set_favourite(api=found, user=user, is_favourite=request.POST.get("starred") == "1")
    return HttpResponseRedirect(f"/catalog/{found.team.slug}/{found.slug}")


@page("applications.manage", methods=("POST",))
def acknowledge(request: HttpRequest, team: str, api: str, version: str) -> HttpResponse:
    """Take note of a deprecation for one's own applications."""
    user: User = request.user  # type: ignore[assignment]
    found = version_for(user, team, api, version)
    rows = _to_note(found, user)
    if not rows:
        raise NotFound("None of your applications waits for this to be noted.")
    for row in rows:
        acknowledge_deprecation(version=found, application=row.application, actor=user)
    messages.success(request, f"{found.api.team} sees that you have taken note.")
    return HttpResponseRedirect(f"/catalog/{found.api.team.slug}/{found.api.slug}/{found.name}")


@page("signed_in")
def api_latest(request: HttpRequest, team: str, api: str) -> HttpResponse:
    """Show the latest visible version of an API."""
    found = api_for(request.user, team, api)  # type: ignore[arg-type]
    version = latest_version(found)
    if version is None:
        version = visible_versions(request.user).filter(api=found).order_by("-id").first()  # type: ignore[arg-type]
        if version is None:
            raise NotFound("No version of this API is published.")
        version.api = found
    return _overview(request, version)


@page("signed_in")
def api_version(request: HttpRequest, team: str, api: str, version: str) -> HttpResponse:
    """Show one version of an API."""
    return _overview(request, version_for(request.user, team, api, version))  # type: ignore[arg-type]


def _overview(request: HttpRequest, version: ApiVersion) -> HttpResponse:
    user: User = request.user  # type: ignore[assignment]
    revision = working_copy(version)
    operations = shown_operations(version, revision)[:200] if revision else []
    context = {
        **head_of(version, user, "overview"),
        "plans": version.api.plans.filter(is_open=True),
        "operations": operations[:8],
        "operation_count": len(operations),
        "level": measured_level(version) if version.state in ROUTED else None,
        "first_url": operation_url(version, _first(operations).operation_id) if operations else "",
        "summary": document_summary(shown_document(version, revision)) if revision and revision.document else None,
        "curl": first_curl(version, operations),
        "successor": version.successor,
        "users": used_by(version.api),
        "named": named_users(version.api, user, MOST_NAMED),
        "can_see_users": user.sees_everything or has_permission(user, version.api.team, "team.view"),
    }
    return render_page(request, "catalog/overview.html", context)


def _first(operations: list[Operation]) -> Operation:
    plain = [row for row in operations if row.method == "GET" and "{" not in row.path]
    return (plain or operations)[0]


def first_curl(version: ApiVersion, operations: list[Operation]) -> str:
    """Return a curl line for the operation to try first."""
    if not operations:
        return ""
    row = _first(operations)
    url = f"{settings.GATEHOUSE_GATEWAY_URL}{version.api.base_path}/{version.name}{row.path}"
    method = "" if row.method == "GET" else f" -X {row.method}"
    return f'curl{method} -H "Authorization: Bearer $GATEHOUSE_KEY" {url}'


@page("signed_in")
def versions(request: HttpRequest, team: str, api: str) -> HttpResponse:
    """List the versions of an API this person may see."""
    user: User = request.user  # type: ignore[assignment]
    found = api_for(user, team, api)
    shown = list(visible_versions(user).filter(api=found).select_related("successor__api__team").order_by("-id"))
    if not shown:
        raise NotFound("No version of this API is published.")
    version = latest_version(found) or shown[0]
    version.api = found
    return render_page(request, "catalog/versions.html", {**head_of(version, user, "versions"), "versions": shown})


@page("signed_in")
def changelog(request: HttpRequest, team: str, api: str, version: str) -> HttpResponse:
    """Tell what became current in a version and what that changed; the first entry is the guide from the one before."""
    user: User = request.user  # type: ignore[assignment]
    found = version_for(user, team, api, version)
    rows = found.releases.select_related("revision", "previous").defer(
        "revision__document", "revision__source", "previous__document", "previous__source"
    )
    table = Table(request, rows, columns={"at": "id"}, default="-at")
    context = {**head_of(found, user, "changelog"), "table": table, "before": previous_version(found)}
    return render_page(request, "catalog/changelog.html", context)


@page("signed_in")
def plans(request: HttpRequest, team: str, api: str, version: str) -> HttpResponse:
    """Show the plans of an API side by side."""
    user: User = request.user  # type: ignore[assignment]
    found = version_for(user, team, api, version)
    context = {**head_of(found, user, "plans"), "plans": found.api.plans.filter(is_open=True)}
    return render_page(request, "catalog/plans.html", context)


def choice_of_environment(request: HttpRequest, version: ApiVersion) -> dict[str, Any]:
    """Return the environment whose document is asked for, what there is to choose from, and the query that keeps it."""
    chosen = read_environment(request.GET.get("environment", ""))
    query = "" if chosen == "production" else f"?environment={chosen}"
    return {"environment": chosen, "environments": documented_environments(version), "environment_query": query}


@page("signed_in")
def reference(request: HttpRequest, team: str, api: str, version: str) -> HttpResponse:
    """Show the whole document in the reference viewer; only here `style-src` is relaxed, the viewer needs it."""
    user: User = request.user  # type: ignore[assignment]
    found = version_for(user, team, api, version)
    context = {**head_of(found, user, "reference"), **choice_of_environment(request, found)}
    response = render_page(request, "catalog/reference.html", context)
    response._csp_replace = {"style-src": ["'self'", "'unsafe-inline'"]}  # type: ignore[attr-defined]
    return response


@page("public")
def document(request: HttpRequest, team: str, api: str, version: str) -> HttpResponse:
    """Answer the version's OpenAPI document with the gateway's address as its server; of a public API to everybody."""
    found = version_for(request.user, team, api, version)  # type: ignore[arg-type]
    served = served_document(found, read_environment(request.GET.get("environment", "")))
    if not served:
        raise NotFound("This version has no document yet.")
    return JsonResponse(served)
