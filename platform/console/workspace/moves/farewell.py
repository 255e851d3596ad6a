"""Deprecate, retire and archive a version."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse

from apis.models import ApiVersion
from apis.selectors import impact_of
from apis.services.deprecation import deprecate_version, earliest_sunset
from apis.services.farewell import deprecation_text
from apis.services.retirement import archive_version, override_causes, retire_version
from common.clock import now
from common.permissions import page
from console.forms import GatehouseForm
from console.workspace.moves.frame import PlainForm, address_of, move_page, say_applied
from console.workspace.moves.planned import WHEN, plan
from console.workspace.version import my_version


class DeprecateForm(GatehouseForm):
    """The sunset, the successor or a reason."""

    sunset = forms.DateField(
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text="The version may stop from the end of this day on, UTC.",
    )  # fmt: skip
    successor = forms.ChoiceField(required=False)
    reason = forms.CharField(max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, version: ApiVersion, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = version.api.versions.filter(state="published").exclude(pk=version.pk).order_by("-id")
        self.successors = {row.public_id: row for row in rows}
        choices = [(key, str(row)) for key, row in self.successors.items()]
        self.fields["successor"].choices = [("", "none"), *choices]  # type: ignore[attr-defined]
        self.fields["successor"].initial = next(iter(self.successors), "")
        self.fields["sunset"].initial = earliest_sunset(version, now()).date()


@page("apis.publish", methods=("GET", "HEAD", "POST"))
def deprecate(request: HttpRequest, team: str, api: str, version: str) -> HttpResponse:
    """Deprecate a version."""
    found = my_version(request, team, api, version)
    form = DeprecateForm(found, request.POST or None)

    def work() -> str:
        data = form.cleaned_data
        sunset_at = datetime.combine(data["sunset"], time(23, 59, 59), UTC)
        deprecate_version(
            version=found, sunset_at=sunset_at, actor=request.user, reason=data["reason"],  # type: ignore[arg-type]
            successor=form.successors.get(data["successor"]),
        )  # fmt: skip
        return address_of(found, "?done=deprecate")

    earliest = earliest_sunset(found, now()) + timedelta(minutes=1)
    response = move_page(
        request, found, "deprecate", form, work, button=f"Deprecate {found.name}",
        sees="Every response carries the headers below. Nothing stops before the sunset; nobody new may subscribe.",
        headers=[
            ("Deprecation", f"@{int(now().timestamp())}"),
            ("Sunset", f"{earliest:%a, %d %b %Y} 23:59:59 GMT"),
            ("Link", '<…>; rel="deprecation", <…>; rel="sunset", <…>; rel="successor-version"'),
        ],
        undo="Until the sunset, with Undo deprecation.",
        notice=deprecation_text(found, earliest, next(iter(form.successors.values()), None), ""),
    )  # fmt: skip
    if response.status_code in (204, 303):
        say_applied(request, found, f"{found.name} is deprecated.")
    return response


class RetireForm(GatehouseForm):
    """Now, or at a moment to come."""

    at = WHEN


class OverrideForm(RetireForm):
    """Asked only when the sunset has not come or somebody still calls."""

    override_reason = forms.CharField(
        label="Reason", max_length=500, widget=forms.Textarea(attrs={"rows": 2}),
        help_text="It stands in the audit log and on the tombstone.",
    )  # fmt: skip
    typed_name = forms.CharField(label="Type the version's name", max_length=120)


@page("apis.publish", methods=("GET", "HEAD", "POST"))
def retire(request: HttpRequest, team: str, api: str, version: str) -> HttpResponse:
    """Retire a version; before its sunset or with callers it asks for a reason and the typed name."""
    found = my_version(request, team, api, version)
    causes = override_causes(found)
    form = OverrideForm(request.POST or None) if causes else RetireForm(request.POST or None)
    impact = impact_of(found)

    def work() -> str:
        values = dict(form.cleaned_data)
        if at := values.pop("at"):
            return plan(request, found, "retire", at, **values)
        retire_version(version=found, actor=request.user, **values)  # type: ignore[arg-type]
        return address_of(found, "?done=retire")

    apps = f" and cut off {impact.applications} application{'s' if impact.applications != 1 else ''}"
    response = move_page(
        request, found, "retire", form, work, is_danger=True, causes=causes,
        button=f"Retire {found.name}{apps if impact.applications else ''}",
        typed=f"{found.api.slug}/{found.name}",
        sees="Calls get 410 with a link to the successor. Its subscriptions end.",
        undo="Restore brings it back within 30 days, with the subscriptions that ended now.",
    )  # fmt: skip
    if response.status_code in (204, 303) and not form.cleaned_data["at"]:
        say_applied(request, found, f"{found.name} is retired: calls get 410.")
    return response


@page("apis.publish", methods=("GET", "HEAD", "POST"))
def archive(request: HttpRequest, team: str, api: str, version: str) -> HttpResponse:
    """Archive a retired version."""
    found = my_version(request, team, api, version)

    def work() -> str:
        archive_version(version=found, actor=request.user)  # type: ignore[arg-type]
        return address_of(found)

    response = move_page(
        request, found, "archive", PlainForm(request.POST or None), work, is_danger=True,
        button=f"Archive {found.name}", sees="Calls get 404 in place of 410. The tombstone leaves the catalog.",
        undo="Not at all: an archived version cannot be restored. Its history stays with your team.",
    )  # fmt: skip
    if response.status_code in (204, 303):
        say_applied(request, found, f"{found.name} is archived.")
    return response
