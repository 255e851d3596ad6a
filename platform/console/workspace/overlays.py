"""The overlays of a version: what its document says differently in some environments, and what comes out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from apis.design.lines import number_lines
from apis.design.overlays import MAX_OVERLAY_BYTES, parse_overlay
from apis.design.problems import DesignError, Finding
from apis.models import ApiVersion, Environment, Overlay
from apis.selectors import callers_document, revision_in
from apis.selectors.environments import environments
from apis.selectors.overlays import OverlaidDocument, overlay_document, overlays_in, read_environment
from apis.services.documents import finding_json
from apis.services.overlays import (
    LONGEST_NAME,
    create_overlay,
    delete_overlay,
    in_place,
    order_overlays,
    update_overlay,
)
from common.concurrency import etag_of
from common.errors import NotFound, Stale
from common.permissions import page
from console.forms import GatehouseForm, may_post, run_form
from console.pages import render_page
from console.workspace.text_diff import text_diff
from console.workspace.version import head_of, my_version

# Comparing line by line takes seconds beyond this; the REST API gives the result whole.
MOST_COMPARED_BYTES = 1024 * 1024
SAMPLE = """overlay: 1.1.0
info:
  title: What staging says differently
  version: 1.0.0
actions:
- target: $.info
  description: Nobody takes this for production.
  update:
    description: "**Staging.** Orders made here are never delivered."
"""


class OverlayForm(GatehouseForm):
    """An overlay and where it counts."""

    name = forms.CharField(max_length=LONGEST_NAME)
    environments = forms.ModelMultipleChoiceField(
        queryset=Environment.objects.none(), required=False, to_field_name="slug", widget=forms.CheckboxSelectMultiple
    )  # fmt: skip
    is_enabled = forms.BooleanField(required=False, initial=True, label="Applied")
    source = forms.CharField(
        label="Overlay, YAML or JSON", strip=False, max_length=MAX_OVERLAY_BYTES,
        widget=forms.Textarea(attrs={"class": "form-control gh-code-input", "rows": 22, "spellcheck": "false"}),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["environments"].queryset = environments()  # type: ignore[attr-defined]

    @property
    def values(self) -> dict[str, Any]:
        """Return what a service takes."""
        return {name: self.cleaned_data[name] for name in ("name", "source", "environments", "is_enabled")}


@dataclass(frozen=True, slots=True)
class Told:
    """What is to be said of one overlay."""

    overlay: Overlay
    findings: list[dict[str, Any]]


@page("team.view")
def overlays(request: HttpRequest, team: str, api: str, version: str) -> HttpResponse:
    """List a version's overlays, and what comes out in an environment."""
    found = my_version(request, team, api, version)
    environment = read_environment(request.GET.get("environment", ""))
    rows = list(found.overlays.prefetch_related("environments").select_related("updated_by"))
    context = {
        **head_of(request, found, "overlays"), "rows": [(row, _count(row)) for row in rows],
        **_result(found, environment, overlays_in(found, environment) if rows else []), "places": environments(),
    }  # fmt: skip
    return render_page(request, "workspace/overlays.html", context)


def _count(overlay: Overlay) -> int:
    return len(parse_overlay(overlay.source).actions)


def _result(version: ApiVersion, environment: str, rows: list[Overlay]) -> dict[str, Any]:
    """Return what an environment's document becomes: what to say of each overlay, and the difference."""
    revision = revision_in(version, environment)
    plain = callers_document(version, revision) if revision else {}
    if revision is None or not plain or not rows:
        return {"environment": environment, "has_document": bool(plain)}
    done: OverlaidDocument = overlay_document(plain, rows)
    is_small = len(revision.source) <= MOST_COMPARED_BYTES
    return {
        "environment": environment,
        "has_document": True,
        "number": revision.number,
        "told": [Told(row, _lines(row, found)) for row, found in zip(rows, done.findings, strict=True) if found],
        "remarks": [finding_json(item) for item in (*done.left_out, *(done.problems() if is_small else ()))],
        "hidden": done.hidden,
        "is_small": is_small,
        "hunks": text_diff(plain, done.document) if is_small else [],
    }


def _lines(overlay: Overlay, findings: tuple[Finding, ...]) -> list[dict[str, Any]]:
    return [finding_json(finding) for finding in number_lines(findings, overlay.source)]


@page("apis.publish", methods=("GET", "HEAD", "POST"))
def new(request: HttpRequest, team: str, api: str, version: str) -> HttpResponse:
    """Add an overlay."""
    found = my_version(request, team, api, version)
    form = OverlayForm(request.POST or None, initial={"source": SAMPLE})
    head = head_of(request, found, "overlays")

    def save() -> str:
        made = create_overlay(version=found, actor=request.user, **form.values)  # type: ignore[arg-type]
        messages.success(request, f"{made.name} is added; the document shows it at once.")
        return f"{head['base']}/overlays"

    if request.method == "POST" and (done := run_form(request, form, save)):
        return done
    overlay = Overlay(version=found, source=form["source"].value() or "")
    return _form_page(request, head, form, overlay, status=422 if form.errors else 200)


@page("team.view", methods=("GET", "HEAD", "POST"))
def edit(request: HttpRequest, team: str, api: str, version: str, overlay: str) -> HttpResponse:
    """Change an overlay, or read it; one that somebody else saved meanwhile is shown beside."""
    found = my_version(request, team, api, version)
    may_post(request, found.api.team, "apis.publish", "change its overlays")
    row = _mine(found, overlay)
    places = list(row.environments.values_list("slug", flat=True))
    initial = {"name": row.name, "environments": places, "is_enabled": row.is_enabled, "source": row.source}
    form = OverlayForm(request.POST or None, initial=initial)
    head = head_of(request, found, "overlays")

    def save() -> str:
        seen = request.POST.get("etag", "")
        changed = update_overlay(overlay=row, actor=request.user, if_match=seen, **form.values)  # type: ignore[arg-type]
        messages.success(request, f"{changed.name} is saved; the document shows it at once.")
        return f"{head['base']}/overlays"

    try:
        if request.method == "POST" and (done := run_form(request, form, save)):
            return done
    except Stale as error:
        fresh = Overlay.objects.get(pk=row.pk)
        return _form_page(request, head, form, fresh, status=412, stale=error.detail, theirs=fresh.source)
    return _form_page(request, head, form, row, status=422 if form.errors else 200)


def _mine(version: ApiVersion, public_id: str) -> Overlay:
    row = version.overlays.filter(public_id=public_id).first()
    if row is None:
        raise NotFound("There is no such overlay.")
    row.version = version
    return row


def _form_page(
    request: HttpRequest, head: dict[str, Any], form: OverlayForm, overlay: Overlay, *, status: int, **more: Any
) -> HttpResponse:
    source = form["source"].value() or ""
    chosen = form["environments"].value() or ["production"]
    environment = str(chosen[0])
    context = {
        **head, **_preview(overlay, source, read_environment(environment)), **more,
        "form": form, "overlay": overlay, "places": environments(), "etag": etag_of(overlay) if overlay.pk else "",
    }  # fmt: skip
    return render_page(request, "workspace/overlay.html", context, status=status)


def _preview(overlay: Overlay, source: str, environment: str) -> dict[str, Any]:
    """Return what comes out with a text in the overlay's place, or what is wrong with the text."""
    try:
        parse_overlay(source)
    except DesignError as error:
        return {"environment": environment, "wrong": [finding_json(finding) for finding in error.findings]}
    overlay = Overlay(
        pk=overlay.pk, version=overlay.version, name="This overlay", source=source, position=overlay.position
    )
    return _result(overlay.version, environment, in_place(overlay, environment))


@page("team.view", methods=("POST",))
def preview(request: HttpRequest, team: str, api: str, version: str) -> HttpResponse:
    """Answer what comes out while an overlay is typed; nothing is saved."""
    found = my_version(request, team, api, version)
    public_id = request.POST.get("overlay", "")
    overlay = _mine(found, public_id) if public_id else Overlay(version=found)
    environment = read_environment(request.POST.get("preview_environment", ""))
    context = {
        **_preview(overlay, request.POST.get("source", ""), environment),
        "places": environments(),
        "base": head_of(request, found, "")["base"],
    }
    return render_page(request, "workspace/_overlay_result.html", context)


@page("apis.publish", methods=("POST",))
def change(request: HttpRequest, team: str, api: str, version: str, overlay: str) -> HttpResponse:
    """Move an overlay up or down, or switch it on or off."""
    found = my_version(request, team, api, version)
    row = _mine(found, overlay)
    wanted = request.POST.get("do", "")
    if wanted in ("on", "off"):
        changed = update_overlay(
            overlay=row, actor=request.user, if_match=request.POST.get("etag", ""), is_enabled=wanted == "on",  # type: ignore[arg-type]
        )  # fmt: skip
        messages.success(request, f"{changed.name} is {'applied' if changed.is_enabled else 'no longer applied'}.")
    else:
        order = list(found.overlays.order_by("position").values_list("public_id", flat=True))
        place = order.index(row.public_id)
        other = max(place - 1, 0) if wanted == "up" else min(place + 1, len(order) - 1)
        order[place], order[other] = order[other], order[place]
        order_overlays(version=found, order=order, actor=request.user)  # type: ignore[arg-type]
    return HttpResponseRedirect(f"{head_of(request, found, '')['base']}/overlays")


@page("apis.publish", methods=("GET", "HEAD", "POST"))
def delete(request: HttpRequest, team: str, api: str, version: str, overlay: str) -> HttpResponse:
    """Delete an overlay, after saying what its document says then."""
    found = my_version(request, team, api, version)
    row = _mine(found, overlay)
    head = head_of(request, found, "overlays")
    if request.method == "POST":
        delete_overlay(overlay=row, actor=request.user)  # type: ignore[arg-type]
        messages.success(request, f"{row.name} is deleted; the audit log keeps its text.")
        return HttpResponseRedirect(f"{head['base']}/overlays")
    context = {**head, "overlay": row, "chosen": row.environments.all()}
    return render_page(request, "workspace/overlay_delete.html", context)
