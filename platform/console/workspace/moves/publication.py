"""Publish a version, or let listed applications try it before."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse

from apis.models import ApiVersion
from apis.selectors import impact_of
from apis.services.preview import list_for_preview, start_preview
from apis.services.publishing import publish_version
from common.permissions import page
from console.forms import GatehouseForm, run_form
from console.pages import render_page
from console.workspace.moves.frame import address_of, move_page, say_applied
from console.workspace.moves.planned import WHEN, plan
from console.workspace.revisions import find_revision
from console.workspace.version import head_of, my_version
from teams.models import Application


class PublishForm(GatehouseForm):
    """Now, or at a moment to come."""

    at = WHEN


@page("apis.publish", methods=("GET", "HEAD", "POST"))
def publish(request: HttpRequest, team: str, api: str, version: str) -> HttpResponse:
    """Publish a version; `?revision=` names the one that is meant, as it was tried in another environment."""
    found = my_version(request, team, api, version)
    number = request.GET.get("revision", "")
    meant = find_revision(found, int(number)) if number.isdigit() and len(number) < 9 else None
    form = PublishForm(request.POST or None)
    if meant is not None:
        # What is planned takes the revision of its own moment.
        del form.fields["at"]

    def work() -> str:
        if at := form.cleaned_data.get("at"):
            return plan(request, found, "publish", at)
        publish_version(version=found, revision=meant, actor=request.user)  # type: ignore[arg-type]
        return address_of(found, "?done=publish")

    answered = f"by revision {number} within a second" if meant else "within a second"
    response = move_page(
        request, found, "publish", form, work, button=f"Publish {found.name}",
        sees=f"{found.api.base_path}/{found.name}/… answers {answered}. It appears in the catalog.",
        undo="Deprecate it, then retire it. The base path stays with this API for ever.",
    )  # fmt: skip
    if response.status_code in (204, 303) and not form.cleaned_data.get("at"):
        say_applied(request, found, f"{found.name} is published.")
    return response


class PreviewForm(GatehouseForm):
    """Which applications may call it."""

    applications = forms.CharField(
        label="Applications", max_length=2000, widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Their ids (app_…), one per line. Their teams find them under Applications, Settings.",
    )  # fmt: skip

    def clean_applications(self) -> list[Application]:
        """Return the applications; name each id that there is none of."""
        names = self.cleaned_data["applications"].replace(",", " ").split()
        found = list(Application.objects.filter(public_id__in=names).select_related("team"))
        missing = sorted(set(names) - {application.public_id for application in found})
        if missing:
            raise forms.ValidationError(f"There is no application {', '.join(missing)}.")
        return found


@page("apis.publish", methods=("GET", "HEAD", "POST"))
def preview(request: HttpRequest, team: str, api: str, version: str) -> HttpResponse:
    """Route a version for listed applications; of one in preview, change the list."""
    found = my_version(request, team, api, version)
    is_running = found.state == ApiVersion.State.PREVIEW
    listed = found.preview_applications.order_by("name").values_list("public_id", flat=True)
    form = PreviewForm(request.POST or None, initial={"applications": "\n".join(listed)})

    def work() -> str:
        change = list_for_preview if is_running else start_preview
        change(version=found, actor=request.user, applications=form.cleaned_data["applications"])  # type: ignore[arg-type]
        return address_of(found)

    sees = "The listed applications may subscribe and call it; everybody else gets 404. There is no service level."
    if is_running:
        if request.method == "POST" and (done := run_form(request, form, work)):
            messages.success(request, "The list of the preview is saved.")
            return done
        context = {
            **head_of(request, found, "lifecycle"), "form": form, "impact": impact_of(found), "sees": sees,
            "button": "Save the list", "undo": "Change it again.", "move": {"is_allowed": True},
        }  # fmt: skip
        return render_page(request, "workspace/move.html", context, status=422 if form.errors else 200)
    response = move_page(
        request, found, "preview", form, work, button=f"Start a preview of {found.name}", sees=sees,
        undo="End the preview, or publish it: either ends the preview's subscriptions.",
    )  # fmt: skip
    if response.status_code in (204, 303):
        say_applied(request, found, f"{found.name} is in preview.")
    return response
