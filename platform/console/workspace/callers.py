"""Who still calls a version, and the ways to empty the room: a message, a brownout."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from apis.models import ApiVersion
from apis.selectors import impact_of
from apis.services.brownouts import cancel_brownout, plan_brownout
from apis.services.farewell import write_to_callers
from common.errors import NotFound
from common.permissions import page
from console.forms import GatehouseForm, may_post, run_form
from console.pages import render_page
from console.workspace.burn_down import draw_burn_down
from console.workspace.version import head_of, my_version
from usage.selectors import daily_callers, freshness

DAYS = 60


class BrownoutForm(GatehouseForm):
    """When it starts and how long it lasts."""

    starts_at = forms.DateTimeField(
        label="Starts, UTC", widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
        help_text="An hour from now at the soonest: its users are told at once.",
    )  # fmt: skip
    minutes = forms.IntegerField(min_value=1, max_value=1440, initial=10, help_text="A day at most.")


class MessageForm(GatehouseForm):
    """What to write."""

    text = forms.CharField(label="Message", max_length=4000, widget=forms.Textarea(attrs={"rows": 6}))


def _back(version: ApiVersion) -> str:
    return f"/workspace/{version.api.team.slug}/{version.api.slug}/{version.name}/callers"


@page("team.view", methods=("GET", "HEAD", "POST"))
def callers(request: HttpRequest, team: str, api: str, version: str) -> HttpResponse:
    """List who still calls a version; POST plans a brownout."""
    found = my_version(request, team, api, version)
    may_post(request, found.api.team, "apis.publish", "plan brownouts")
    form = BrownoutForm(request.POST or None)

    def plan() -> str:
        data = form.cleaned_data
        starts_at = data["starts_at"].replace(tzinfo=UTC)
        plan_brownout(version=found, starts_at=starts_at, minutes=data["minutes"], actor=request.user)  # type: ignore[arg-type]
        messages.success(request, "The brownout is planned; those who use it are told.")
        return _back(found)

    if request.method == "POST" and (done := run_form(request, form, plan)):
        return done
    context = {
        **head_of(request, found, "callers"), **_numbers(found), "form": form, "freshness": freshness(),
        "brownouts": found.brownouts.select_related("planned_by"),
    }  # fmt: skip
    return render_page(request, "workspace/callers.html", context, status=422 if form.errors else 200)


def _numbers(version: ApiVersion) -> dict[str, Any]:
    rows = impact_of(version).rows
    noted = dict(version.deprecation_notices.values_list("application__public_id", "acknowledged_at"))
    days = daily_callers(version, DAYS)
    named = (("deprecated", version.deprecated_at), ("retired", version.retired_at))
    marks = [(at, text) for text, at in named if at is not None]
    marks += [(at, "brownout") for at in version.brownouts.values_list("starts_at", flat=True)]
    return {
        "callers": [(row, noted.get(row.application_id)) for row in rows],
        "noted": sum(1 for at in noted.values() if at),
        "told": len(noted),
        "chart": draw_burn_down(days, {row.application_id: row.application_name for row in rows}, marks),
    }


@page("apis.publish", methods=("GET", "HEAD", "POST"))
def write(request: HttpRequest, team: str, api: str, version: str) -> HttpResponse:
    """Write to everybody who still uses a version."""
    found = my_version(request, team, api, version)
    form = MessageForm(request.POST or None)

    def send() -> str:
        count = write_to_callers(version=found, actor=request.user, text=form.cleaned_data["text"])  # type: ignore[arg-type]
        messages.success(request, f"Sent to the teams of {count} application{'' if count == 1 else 's'}.")
        return _back(found)

    if request.method == "POST" and (done := run_form(request, form, send)):
        return done
    context = {**head_of(request, found, "callers"), "form": form, "impact": impact_of(found)}
    return render_page(request, "workspace/write.html", context, status=422 if form.errors else 200)


@page("apis.publish", methods=("POST",))
def cancel(request: HttpRequest, team: str, api: str, version: str, brownout: str) -> HttpResponse:
    """Cancel a brownout."""
    found = my_version(request, team, api, version)
    row = found.brownouts.filter(public_id=brownout).first()
    if row is None:
        raise NotFound("There is no such brownout.")
    row.version = found
    cancel_brownout(brownout=row, actor=request.user)  # type: ignore[arg-type]
    messages.success(request, "The brownout is cancelled.")
    return HttpResponseRedirect(_back(found))
