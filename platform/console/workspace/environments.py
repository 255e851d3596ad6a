"""Where a version's revisions are deployed, and the trial of one beside the current."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from apis.lifecycle import DEPLOYABLE, ROUTED
from apis.models import ApiVersion, Deployment, Environment
from apis.selectors import impact_of
from apis.selectors.environments import deployed, way_to_production
from apis.selectors.gate import gate_of
from apis.services.canaries import change_canary, end_canary, start_canary
from apis.services.environments import FROZEN, PRODUCTION, promote_revision, undeploy
from common.errors import Conflict, NotFound
from common.permissions import page
from console.forms import run_form
from console.pages import render_page
from console.workspace.revisions import ReleaseForm, find_revision
from console.workspace.version import head_of, my_version
from gateway.control.rollout import wait_until_applied


class PromoteForm(forms.Form):
    """Which revision, and where its calls go there."""

    revision = forms.ChoiceField(widget=forms.Select(attrs={"class": "form-select"}))
    upstream_url = forms.CharField(
        label="Upstream there", max_length=500, required=False, widget=forms.TextInput(attrs={"class": "form-control"}),
        help_text="Empty takes the revision's own.",
    )  # fmt: skip


@page("team.view")
def overview(request: HttpRequest, team: str, api: str, version: str) -> HttpResponse:
    """Show what is deployed where, the trial that runs, and what owners may call."""
    found = my_version(request, team, api, version)
    context = {
        **head_of(request, found, "environments"),
        "rows": [(place, row, _promotion(found, row)) for place, row in deployed(found)],
        "is_served": found.state in ROUTED,
        "is_deployable": found.state in DEPLOYABLE and found.api.kind == "rest",
        "canary": found.canaries.filter(state="running").select_related("revision", "started_by").first(),
        "past": found.canaries.exclude(state="running").select_related("revision")[:10],
        "offered": found.revisions.filter(state__in=["draft", "in_review", "approved"]).exclude(content_hash=""),
    }
    return render_page(request, "workspace/environments.html", context)


def _promotion(version: ApiVersion, row: Deployment | None) -> str:
    if row is None or row.environment.slug == PRODUCTION:
        return ""
    return way_to_production(version, row.revision)


def _environment(slug: str) -> Environment:
    environment = Environment.objects.filter(slug=slug).first()
    if environment is None:
        raise NotFound("There is no such environment.")
    return environment


@page("apis.publish", methods=("GET", "HEAD", "POST"))
def promote(request: HttpRequest, team: str, api: str, version: str, environment: str) -> HttpResponse:
    """Point an environment at a revision."""
    found = my_version(request, team, api, version)
    place = _environment(environment)
    head = head_of(request, found, "environments")
    now_there = found.deployments.filter(environment=place).select_related("revision").first()
    revisions = found.revisions.filter(state__in=FROZEN).order_by("-number").defer("document", "source")[:50]
    form = PromoteForm(
        request.POST or None, label_suffix="",
        initial={"upstream_url": now_there.upstream_url if now_there else ""},
    )  # fmt: skip
    form.fields["revision"].choices = [  # type: ignore[attr-defined]
        (str(row.number), f"Revision {row.number}, {row.get_state_display().lower()}") for row in revisions
    ]
    if request.method == "POST" and form.is_valid():
        promote_revision(
            revision=find_revision(found, int(form.cleaned_data["revision"])), environment=place,
            upstream_url=form.cleaned_data["upstream_url"], actor=request.user,  # type: ignore[arg-type]
        )  # fmt: skip
        applied, total = wait_until_applied("route", f"{found.public_id}~env:{place.slug}")
        messages.success(request, f"It is in {place}. {applied} of {total} gateway workers serve it.")
        return HttpResponseRedirect(f"{head['base']}/environments")
    context = {
        **head, "form": form, "environment": place, "now_there": now_there, "is_served": found.state in ROUTED,
        "revisions": revisions,
    }  # fmt: skip
    return render_page(request, "workspace/promote.html", context, status=422 if form.errors else 200)


@page("apis.publish", methods=("POST",))
def leave(request: HttpRequest, team: str, api: str, version: str, environment: str) -> HttpResponse:
    """Take a version out of an environment."""
    found = my_version(request, team, api, version)
    row = (
        found.deployments.filter(environment=_environment(environment))
        .select_related("environment", "revision")
        .first()
    )
    if row is None:
        raise NotFound("Nothing is deployed there.")
    row.version = found
    undeploy(deployment=row, actor=request.user)  # type: ignore[arg-type]
    messages.success(request, f"It is no longer in {row.environment}: calls with its keys are refused.")
    return HttpResponseRedirect(f"{head_of(request, found, '')['base']}/environments")


class CanaryForm(ReleaseForm):
    """A share or a header, when it falls back, and one tick per risky change."""

    percent = forms.FloatField(label="Share of the calls, percent", min_value=0, max_value=100, initial=5)
    header = forms.CharField(max_length=60, required=False, help_text="Calls with it try it too, such as X-Trial.")
    header_value = forms.CharField(max_length=200, required=False, help_text="Empty for any value.")
    max_error_percent = forms.FloatField(
        label="Fall back above, percent of failures", min_value=0.1, max_value=100, initial=10,
        help_text="Of the last hundred calls at a worker, from twenty on.",
    )  # fmt: skip
    field_order = ("percent", "header", "header_value", "max_error_percent")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["note"]


@page("apis.publish", methods=("GET", "HEAD", "POST"))
def canary(request: HttpRequest, team: str, api: str, version: str, number: int) -> HttpResponse:
    """Start the trial of an approved revision."""
    found = my_version(request, team, api, version)
    revision = find_revision(found, number)
    gate = gate_of(revision)
    form = CanaryForm(gate, request.POST or None)
    head = head_of(request, found, "environments")

    def start() -> str:
        data = form.cleaned_data
        start_canary(
            revision=revision, actor=request.user, percent=data["percent"], header=data["header"],  # type: ignore[arg-type]
            header_value=data["header_value"], max_error_percent=data["max_error_percent"], accepted=form.accepted,
        )  # fmt: skip
        return f"{head['base']}/environments"

    if request.method == "POST" and (done := run_form(request, form, start)):
        _say(request, found, "The trial runs.")
        return done
    context = {**head, "form": form, "revision": revision, "gate": gate, "impact": impact_of(found)}
    return render_page(request, "workspace/canary.html", context, status=422 if form.errors else 200)


@page("apis.publish", methods=("POST",))
def change(request: HttpRequest, team: str, api: str, version: str) -> HttpResponse:
    """Change the share of the trial that runs, or end it."""
    found = my_version(request, team, api, version)
    row = found.canaries.filter(state="running").select_related("revision").first()
    if row is None:
        raise Conflict("No trial of this version runs.", code="move-not-possible")
    row.version = found
    if request.POST.get("end"):
        end_canary(canary=row, actor=request.user)  # type: ignore[arg-type]
        _say(request, found, "The trial is over: all calls go to the current revision.")
    else:
        change_canary(canary=row, percent=_share(request.POST.get("percent", "")), actor=request.user)  # type: ignore[arg-type]
        _say(request, found, f"{row.percent:g} % of the calls try it.")
    return HttpResponseRedirect(f"{head_of(request, found, '')['base']}/environments")


def _share(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return -1.0


def _say(request: HttpRequest, version: ApiVersion, text: str) -> None:
    applied, total = wait_until_applied("route", f"{version.public_id}~canary")
    messages.success(request, f"{text} {applied} of {total} gateway workers are in step.")
