"""Revisions of a version: their list, what one changes, its release by the diff's verdict, the way back."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Max
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from apis.lifecycle import ROUTED
from apis.models import ApiVersion, Revision
from apis.selectors import current_revision, impact_of
from apis.selectors.gate import Gate, gate_of
from apis.services.publishing import publish_version
from apis.services.releases import move_to_next_version, release_revision, roll_back, waive_change
from apis.services.reviews import submit_for_review
from apis.services.revisions import discard_draft, start_revision
from common.errors import NotFound
from common.permissions import page
from console.forms import GatehouseForm, run_form
from console.pages import render_page
from console.tables import Table
from console.workspace.text_diff import text_diff
from console.workspace.version import head_of, my_version
from gateway.control.rollout import wait_until_applied


def find_revision(version: ApiVersion, number: int) -> Revision:
    """Return a revision by its number; raise NotFound."""
    revision = version.revisions.filter(number=number).select_related("author").first()
    if revision is None:
        raise NotFound("There is no such revision.")
    revision.version = version
    return revision


@page("team.view", methods=("GET", "HEAD", "POST"))
def revisions(request: HttpRequest, team: str, api: str, version: str) -> HttpResponse:
    """List a version's revisions; POST starts the working copy, or throws it away."""
    found = my_version(request, team, api, version)
    head = head_of(request, found, "revisions")
    if request.method == "POST":
        if number := request.POST.get("discard", ""):
            draft = find_revision(found, int(number) if number.isdigit() else 0)
            discard_draft(revision=draft, actor=request.user)  # type: ignore[arg-type]
            messages.success(request, f"The draft of revision {draft.number} is thrown away.")
            return HttpResponseRedirect(f"{head['base']}/revisions")
        start_revision(version=found, actor=request.user)  # type: ignore[arg-type]
        return HttpResponseRedirect(f"{head['base']}/design")
    rows = found.revisions.select_related("author").defer("document", "source").annotate(served=Max("releases__at"))
    table = Table(request, rows, columns={"number": "number"}, default="-number")
    context = {**head, "table": table, "is_served": found.state in ROUTED, "current": current_revision(found)}
    return render_page(request, "workspace/revisions.html", context)


@page("team.view")
def source(request: HttpRequest, team: str, api: str, version: str, number: int) -> HttpResponse:
    """Answer a revision's document as it was written, in its own version of OpenAPI."""
    revision = find_revision(my_version(request, team, api, version), number)
    response = HttpResponse(revision.source, content_type=f"application/{revision.source_format}; charset=utf-8")
    name = f"{api}-{version}-revision-{number}.{revision.source_format}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@page("team.view")
def diff(request: HttpRequest, team: str, api: str, version: str, number: int) -> HttpResponse:
    """Compare two revisions: what it means for callers, and the text line by line."""
    found = my_version(request, team, api, version)
    revision = find_revision(found, number)
    against = request.GET.get("against", "")
    earlier = find_revision(found, int(against)) if against.isdigit() and len(against) < 9 else _before(revision)
    context = {
        **head_of(request, found, "revisions"), "revision": revision, "against": earlier,
        "gate": gate_of(revision, earlier) if earlier else None,
        "hunks": text_diff(earlier.document, revision.document) if earlier else None,
        "others": found.revisions.exclude(pk=revision.pk).order_by("-number").values_list("number", "state"),
    }  # fmt: skip
    return render_page(request, "workspace/diff.html", context)


def _before(revision: Revision) -> Revision | None:
    current = current_revision(revision.version)
    if current is not None and current.pk != revision.pk:
        return current
    earlier = revision.version.revisions.filter(number__lt=revision.number).order_by("-number").first()
    if earlier is not None:
        earlier.version = revision.version
    return earlier


class ReleaseForm(GatehouseForm):
    """One tick per risky change, and a note for the changelog."""

    note = forms.CharField(
        max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 2}), help_text="Stands in the changelog."
    )

    def __init__(self, gate: Gate, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ticks = {change.key: f"tick-{change.key}" for change in gate.of("risky")}
        for name in self.ticks.values():
            self.fields[name] = forms.BooleanField(
                label="I looked at it", error_messages={"required": "Look at this change and tick it."}
            )

    @property
    def accepted(self) -> list[str]:
        """Return the keys of the changes that are ticked."""
        return [key for key, name in self.ticks.items() if self.cleaned_data.get(name)]


@page("apis.design", methods=("GET", "HEAD", "POST"))
def release(request: HttpRequest, team: str, api: str, version: str, number: int) -> HttpResponse:
    """Carry out what the verdict makes of a draft: the next revision, the next version, or a review first."""
    found = my_version(request, team, api, version)
    revision = find_revision(found, number)
    gate = gate_of(revision)
    head = head_of(request, found, "revisions")
    way = _way(found, revision, gate, can_publish=head["can_publish"])
    form = ReleaseForm(gate, request.POST or None) if way == "release" else GatehouseForm(request.POST or None)

    def work() -> str:
        if way == "release":
            assert isinstance(form, ReleaseForm)
            release_revision(
                revision=revision, actor=request.user, accepted=form.accepted, note=form.cleaned_data["note"],  # type: ignore[arg-type]
            )  # fmt: skip
            applied, total = wait_until_applied("route", found.public_id)
            messages.success(
                request, f"Revision {number} of {found} is current. {applied} of {total} gateway workers serve it."
            )
            return str(head["base"])
        if way == "submit":
            submit_for_review(version=found, actor=request.user)  # type: ignore[arg-type]
            messages.success(request, f"Revision {number} of {found} waits for its review.")
            return str(head["base"])
        return _next_version(request, revision, can_publish=head["can_publish"])

    if request.method == "POST" and way and (done := run_form(request, form, work)):
        return done
    context = {
        **head, "revision": revision, "gate": gate, "way": way, "form": form, "impact": impact_of(found),
        "button": _button(found, revision, way, can_publish=head["can_publish"]),
        "can_waive": bool(gate.blocking) and "apis.waive" in head["may"],
    }  # fmt: skip
    status = 422 if form.is_bound and form.errors else 200
    return render_page(request, "workspace/release.html", context, status=status)


def _way(version: ApiVersion, revision: Revision, gate: Gate, *, can_publish: bool) -> str:
    """Return what the one button does: version, release, submit, or "" when nothing can be done from here."""
    if version.state not in ROUTED or revision.state not in ("draft", "approved"):
        return ""
    if gate.outcome == "version" and version.state != ApiVersion.State.PREVIEW:
        return "version" if revision.state == "draft" else ""
    if revision.state == "approved" or (version.api.team.required_approvals == 0 and can_publish):
        return "release" if can_publish else ""
    return "submit"


def _button(version: ApiVersion, revision: Revision, way: str, *, can_publish: bool) -> str:
    if way == "version":
        numbers = [int(name[1:]) for name in version.api.versions.values_list("name", flat=True)]
        following = f"v{max(numbers) + 1}"
        is_alone = version.api.team.required_approvals == 0 and can_publish
        return f"Publish {following}" if is_alone else f"Send {following} for review"
    return f"Publish revision {revision.number}" if way == "release" else "Send for review"


def _next_version(request: HttpRequest, revision: Revision, *, can_publish: bool) -> str:
    """Make the next version of a breaking draft; publish it where nobody else is asked, else send it for review."""
    old = revision.version
    following = move_to_next_version(revision=revision, actor=request.user)  # type: ignore[arg-type]
    base = f"/workspace/{old.api.team.slug}/{old.api.slug}/{following.name}"
    if old.api.team.required_approvals == 0 and can_publish:
        publish_version(version=following, actor=request.user)  # type: ignore[arg-type]
        messages.success(request, f"{following.name} is published; {old.name} stays as it was for its callers.")
    else:
        submit_for_review(version=following, actor=request.user)  # type: ignore[arg-type]
        messages.success(request, f"{following.name} waits for its review; {old.name} stays as it was.")
    return base


class WaiverForm(GatehouseForm):
    """Why callers are broken on purpose, and until when that is allowed."""

    reason = forms.CharField(max_length=500, widget=forms.Textarea(attrs={"rows": 2}))
    expires_at = forms.DateField(label="Allowed until", widget=forms.DateInput(attrs={"type": "date"}))


@page("apis.waive", methods=("GET", "HEAD", "POST"))
def waive(request: HttpRequest, team: str, api: str, version: str, number: int, key: str) -> HttpResponse:
    """Let an owner allow one breaking change inside a version."""
    found = my_version(request, team, api, version)
    revision = find_revision(found, number)
    change = next((change for change in gate_of(revision).of("breaking") if change.key == key), None)
    if change is None:
        raise NotFound("The revision holds no such breaking change any more.")
    head = head_of(request, found, "revisions")
    form = WaiverForm(request.POST or None)

    def work() -> str:
        data = form.cleaned_data
        waive_change(
            revision=revision, key=key, reason=data["reason"], actor=request.user,  # type: ignore[arg-type]
            expires_at=datetime.combine(data["expires_at"], time(23, 59, 59), UTC),
        )  # fmt: skip
        messages.success(request, "The change is allowed inside this version.")
        return f"{head['base']}/revisions/{number}/release"

    if request.method == "POST" and (done := run_form(request, form, work)):
        return done
    context = {**head, "revision": revision, "change": change, "form": form}
    return render_page(request, "workspace/waive.html", context, status=422 if form.errors else 200)


class RollBackForm(GatehouseForm):
    """Why."""

    reason = forms.CharField(max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 2}))


@page("apis.publish", methods=("GET", "HEAD", "POST"))
def back(request: HttpRequest, team: str, api: str, version: str, number: int) -> HttpResponse:
    """Make an earlier revision current again."""
    found = my_version(request, team, api, version)
    revision = find_revision(found, number)
    head = head_of(request, found, "revisions")
    form = RollBackForm(request.POST or None)

    def work() -> str:
        roll_back(revision=revision, actor=request.user, reason=form.cleaned_data["reason"])  # type: ignore[arg-type]
        applied, total = wait_until_applied("route", found.public_id)
        messages.success(
            request, f"{found} serves revision {number} again. {applied} of {total} gateway workers are in step."
        )
        return str(head["base"])

    if request.method == "POST" and (done := run_form(request, form, work)):
        return done
    context = {
        **head, "revision": revision, "gate": gate_of(revision), "form": form, "impact": impact_of(found),
        "is_possible": revision.state == "superseded" and revision.releases.exists() and found.state in ROUTED,
    }  # fmt: skip
    return render_page(request, "workspace/roll_back.html", context, status=422 if form.errors else 200)
