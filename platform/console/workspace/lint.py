"""The lint of a version: what its document could say better, its score, what was waived."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from apis.selectors import working_copy
from apis.services.linting import end_waiver, lint_revision, ruleset_for, waive_rule
from common.clock import now
from common.errors import NotFound
from common.permissions import page
from console.forms import GatehouseForm, run_form
from console.pages import render_page
from console.tables import Table
from console.workspace.version import head_of, my_version

USUAL_DAYS = 90


class WaiveForm(GatehouseForm):
    """Where it holds, why, and until when."""

    pointer = forms.CharField(
        max_length=1000,
        required=False,
        label="Where",
        help_text="This place and what lies below; empty is everywhere.",
    )
    reason = forms.CharField(max_length=500, widget=forms.Textarea(attrs={"rows": 2}))
    until = forms.DateField(
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text="The last day it holds, UTC.",
    )


@page("team.view")
def lint(request: HttpRequest, team: str, api: str, version: str) -> HttpResponse:
    """List what stands against the team's rules in the working copy, else in what is served."""
    found = my_version(request, team, api, version)
    revision = working_copy(found)
    if revision is None or not revision.document:
        raise NotFound("This version has no document yet.")
    revision.version = found
    result = lint_revision(revision)
    context = {
        **head_of(request, found, "lint"), "revision": revision, "result": result,
        "table": Table(request, result.findings, columns={}),
        "custom": ruleset_for(found.api.team).custom,
        "counts": [(severity, result.count(severity)) for severity in ("error", "warn", "info")],
        "waivers": found.lint_waivers.select_related("granted_by"),
    }  # fmt: skip
    return render_page(request, "workspace/lint.html", context)


@page("apis.waive", methods=("GET", "HEAD", "POST"))
def waive(request: HttpRequest, team: str, api: str, version: str, code: str) -> HttpResponse:
    """Let a rule's findings stand, with a reason and an end."""
    found = my_version(request, team, api, version)
    rule = ruleset_for(found.api.team).rules.get(code)
    if rule is None:
        raise NotFound("There is no such rule.")
    initial = {"pointer": request.GET.get("at", ""), "until": (now() + timedelta(days=USUAL_DAYS)).date()}
    form = WaiveForm(request.POST or None, initial=initial)

    def save() -> str:
        data = form.cleaned_data
        waive_rule(
            version=found, code=code, pointer=data["pointer"], reason=data["reason"], actor=request.user,  # type: ignore[arg-type]
            expires_at=datetime.combine(data["until"], time(23, 59, 59), UTC),
        )  # fmt: skip
        messages.success(request, "It is waived until then; the score follows.")
        return f"{head['base']}/lint"

    head = head_of(request, found, "lint")
    if request.method == "POST" and (done := run_form(request, form, save)):
        return done
    context = {**head, "form": form, "rule": rule}
    return render_page(request, "workspace/waive_rule.html", context, status=422 if form.errors else 200)


@page("apis.waive", methods=("POST",))
def end(request: HttpRequest, team: str, api: str, version: str, waiver: str) -> HttpResponse:
    """Take a waiver back."""
    found = my_version(request, team, api, version)
    row = found.lint_waivers.filter(public_id=waiver).select_related("version__api__team").first()
    if row is None:
        raise NotFound("There is no such waiver.")
    end_waiver(waiver=row, actor=request.user)  # type: ignore[arg-type]
    messages.success(request, "The waiver is taken back: what it allowed counts again.")
    return HttpResponseRedirect(f"/workspace/{found.api.team.slug}/{found.api.slug}/{found.name}/lint")
