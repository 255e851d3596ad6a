"""Running the installation: who runs which generation, who did what."""

from __future__ import annotations

import json
from typing import Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils.dateparse import parse_date

from common.permissions import page
from console.pages import Tab, render_page
from console.tables import Table, csv_response
from gateway.control.selectors import gateway_status
from teams.models import AuditEvent, User
from teams.selectors import audit_for

MAX_CSV_ROWS = 10_000


def tabs(user: User, current: str) -> list[Tab]:
    """Return the tabs of the place; most are for platform admins."""
    rows = [("audit", "Audit", "/admin/audit")]
    if user.sees_everything:
        rows.insert(0, ("gateways", "Gateways", "/admin/gateways"))
        rows.append(("roles", "Roles", "/admin/roles"))
    if user.is_platform_admin:
        rows.append(("users", "Users", "/admin/users"))
        rows.append(("sign-in", "Sign-in", "/admin/sign-in"))
        rows.append(("environments", "Environments", "/admin/environments"))
        rows.append(("lint", "Lint rules", "/admin/lint"))
    if user.is_staff:
        rows.append(("gallery", "Gallery", "/admin/gallery"))
    return [Tab(title, url, name == current) for name, title, url in rows]


@page("platform.view")
def gateways(request: HttpRequest) -> HttpResponse:
    """Show every worker, desired versus applied."""
    context = {"status": gateway_status(), "tabs": tabs(request.user, "gateways")}  # type: ignore[arg-type]
    return render_page(request, "admin/gateways.html", context, fragment="nodes")


@page("signed_in")
def audit(request: HttpRequest) -> HttpResponse:
    """Show who did what: everything to a platform admin, an owner's own teams to the owner."""
    user: User = request.user  # type: ignore[assignment]
    rows = audit_for(user)
    filters = {name: request.GET.get(name, "").strip()[:120] for name in ("q", "verb", "since", "until")}
    if filters["q"]:
        words = filters["q"]
        rows = rows.filter(
            Q(actor_name__icontains=words) | Q(object_name__icontains=words) | Q(object_id=words) | Q(request_id=words)
        )
    if filters["verb"]:
        rows = rows.filter(verb__startswith=filters["verb"])
    if since := _day(filters["since"]):
        rows = rows.filter(at__date__gte=since)
    if until := _day(filters["until"]):
        rows = rows.filter(at__date__lte=until)
    if request.GET.get("format") == "csv":
        head = ("at", "actor", "verb", "object", "object_id", "team", "reason", "before", "after", "request_id")
        return csv_response("audit", head, rows[:MAX_CSV_ROWS], _cells)
    table = Table(request, rows, columns={"at": "at"}, default="-at")
    table.offer_csv()
    context = {
        "table": table,
        "rows": [(row, _changes(row)) for row in table.rows],
        "filters": filters,
        "verbs": sorted({verb.partition(".")[0] for verb in _verbs()}),
        "tabs": tabs(user, "audit"),
    }
    return render_page(request, "admin/audit.html", context, fragment="rows")


def _verbs() -> list[str]:
    return list(AuditEvent.objects.order_by().values_list("verb", flat=True).distinct()[:200])


def _day(text: str) -> Any:
    try:
        return parse_date(text) if text else None
    except ValueError:
        return None


def _cells(row: AuditEvent) -> tuple[Any, ...]:
    return (
        row.at.isoformat(), row.actor_name, row.verb, row.object_name, row.object_id, str(row.team or ""), row.reason,
        json.dumps(row.before), json.dumps(row.after), row.request_id,
    )  # fmt: skip


def _changes(row: AuditEvent) -> list[tuple[str, str, str]]:
    names = list(dict.fromkeys([*row.before, *row.after]))
    pairs = [(name, _shown(row.before.get(name)), _shown(row.after.get(name))) for name in names]
    return [pair for pair in pairs if pair[1] != pair[2]] or pairs


def _shown(value: Any) -> str:
    if value is None or value == "":
        return "–"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
