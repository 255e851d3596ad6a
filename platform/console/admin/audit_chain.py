"""Whether the audit log is as it was written: its hash chain, read from end to end."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from common.permissions import page
from console.admin.views import tabs
from console.pages import render_page
from teams.services.audit_chain import check_chain, seal_entries


@page("platform.view")
def chain(request: HttpRequest) -> HttpResponse:
    """Read the whole chain and say what was found."""
    seal_entries()
    crumbs = [("Audit", "/admin/audit"), ("Hash chain", "")]
    context = {"check": check_chain(), "crumbs": crumbs, "tabs": tabs(request.user, "audit")}  # type: ignore[arg-type]
    return render_page(request, "admin/audit_chain.html", context)
