"""What a person was told, newest first."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from common.errors import NotFound
from common.permissions import page
from console.pages import Tab, render_page
from console.tables import Table
from teams.models import User
from teams.selectors import notices_for
from teams.services.notices import read_all_notices, read_notice


@page("signed_in", methods=("GET", "HEAD", "POST"))
def notices(request: HttpRequest) -> HttpResponse:
    """List a person's notices; POST marks all as read."""
    user: User = request.user  # type: ignore[assignment]
    if request.method == "POST":
        count = read_all_notices(user=user)
        messages.success(request, f"{count} marked as read." if count else "All were read already.")
        return HttpResponseRedirect("/notifications")
    rows = notices_for(user)
    unread_only = request.GET.get("show") == "unread"
    if unread_only:
        rows = rows.filter(read_at=None)
    table = Table(request, rows, columns={"at": "id"}, default="-at")
    tabs = [
        Tab("All", "/notifications", not unread_only),
        Tab("Unread", "/notifications?show=unread", unread_only),
    ]
    return render_page(request, "notifications/list.html", {"table": table, "tabs": tabs, "unread_only": unread_only})


@page("signed_in", methods=("GET", "HEAD", "POST"))
def notice(request: HttpRequest, notice: str) -> HttpResponse:
    """Go where a notice leads; it counts as read from then on."""
    row = notices_for(request.user).filter(public_id=notice).first()  # type: ignore[arg-type]
    if row is None:
        raise NotFound("There is no such notice of yours.")
    read_notice(notice=row)
    return HttpResponseRedirect(row.url)
