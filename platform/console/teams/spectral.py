"""A ruleset in Spectral's format: write or upload it, try it against a document, activate it, take it away."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse

from apis.lint import LintResult
from apis.lint.spectral.parse import MAX_BYTES
from apis.models import LintRuleset, Revision
from apis.services.linting import (
    SCORED,
    check_spectral,
    custom_rules,
    read_spectral,
    set_spectral,
    try_spectral,
)
from common.errors import Invalid
from common.permissions import page
from console.admin.views import tabs as admin_tabs
from console.forms import GatehouseForm, run_form
from console.pages import render_page
from console.teams.views import head_of
from teams.models import Team, User
from teams.roles import require_permission, teams_of
from teams.selectors import team_for

MOST_DOCUMENTS = 300
MOST_FINDINGS = 100
SAMPLE = """extends: spectral:oas
rules:
  paths-in-kebab-case:
    description: Paths are written in kebab-case.
    message: "{{property}} is not in kebab-case"
    severity: warn
    given: $.paths[*]~
    then:
      function: pattern
      functionOptions:
        match: "^(/[a-z0-9-]+|/[{][a-z_]+[}])+$"
"""


class DocumentField(forms.ModelChoiceField):
    """A document, named by its version."""

    def label_from_instance(self, obj: Any) -> str:
        """Return API, version and revision."""
        return f"{obj.version.api.team.name}: {obj.version}, revision {obj.number}"


class RulesetForm(GatehouseForm):
    """The ruleset, as text or file, and a document to try it against."""

    source = forms.CharField(
        label="Ruleset, YAML or JSON", required=False, strip=False, max_length=MAX_BYTES,
        widget=forms.Textarea(
            attrs={"class": "form-control gh-code-input", "rows": 20, "spellcheck": "false", "placeholder": SAMPLE}
        ),
        help_text="Empty takes the ruleset away.",
    )  # fmt: skip
    file = forms.FileField(label="Or a file", required=False, help_text="Stands for the text above.")
    revision = DocumentField(
        Revision.objects.none(), label="Document to try it against", required=False, empty_label="Choose one"
    )
    row_version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, team: Team | None, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = Revision.objects.filter(state__in=SCORED, version__api__team__in=[team] if team else teams_of(user))
        rows = rows.exclude(lint_score=None).select_related("version__api__team").defer("document", "source")
        ordered = rows.order_by("version__api__name", "-number")[:MOST_DOCUMENTS]
        known = Revision.objects.filter(pk__in=[row.pk for row in ordered])
        self.fields["revision"].queryset = known.select_related("version__api__team").defer("source")  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Let a file stand for the text."""
        data: dict[str, Any] = super().clean() or {}
        given = data.get("file")
        if given is None:
            return data
        if given.size > MAX_BYTES:
            self.add_error("file", f"A ruleset has at most {MAX_BYTES // 1024} KB, this file {given.size // 1024} KB.")
            return data
        try:
            data["source"] = given.read().decode("utf-8-sig")
        except UnicodeDecodeError:
            self.add_error("file", "This file is not UTF-8 text.")
        return data


@page("team.view", methods=("GET", "HEAD", "POST"))
def team_ruleset(request: HttpRequest, team: str) -> HttpResponse:
    """Show the ruleset of a team; its owner changes it."""
    user: User = request.user  # type: ignore[assignment]
    found = team_for(user, team)
    if request.method == "POST":
        require_permission(actor=user, team=found, permission="team.manage", what="change its lint rules")
    head = head_of(request, found, "lint")
    context = {**head, "can_change": "team.manage" in head["may"], "team": found}
    return _page(request, found, f"/teams/{found.slug}/lint/ruleset", "teams/ruleset.html", context)


@page("platform.admin", methods=("GET", "HEAD", "POST"))
def organisation_ruleset(request: HttpRequest) -> HttpResponse:
    """Show and change the ruleset of the organisation."""
    context = {"tabs": admin_tabs(request.user, "lint"), "can_change": True}  # type: ignore[arg-type]
    return _page(request, None, "/admin/lint/ruleset", "admin/ruleset.html", context)


def _page(request: HttpRequest, team: Team | None, url: str, template: str, context: dict[str, Any]) -> HttpResponse:
    user: User = request.user  # type: ignore[assignment]
    row = LintRuleset.objects.filter(team=team).first() or LintRuleset(team=team)
    if request.method != "POST" and request.GET.get("format") == "file":
        return _file(row, team)
    initial = {"source": row.spectral, "row_version": row.row_version if row.pk else None}
    form = RulesetForm(team, user, request.POST or None, request.FILES or None, initial=initial)

    def activate() -> str:
        data = form.cleaned_data
        made = set_spectral(team=team, source=data["source"], actor=user, row_version=data["row_version"])
        count = len(read_spectral(made.spectral).rules)
        text = f"{count} custom rule{'' if count == 1 else 's'} of this ruleset hold now"
        messages.success(request, f"{text}; documents are scored anew in the background.")
        return url

    if request.method == "POST" and request.POST.get("do") == "try":
        context |= _trial(form, team, user)
    elif request.method == "POST" and (done := run_form(request, form, activate)):
        return done
    remarks = context.get("remarks", read_spectral(row.spectral).remarks)
    context |= {
        "form": form,
        "rules": custom_rules(team),
        "remarks": remarks,
        "is_kept": bool(row.spectral),
        "ruleset": row,
        "url": url,
    }
    return render_page(request, template, context, status=422 if form.errors else 200)


def _trial(form: RulesetForm, team: Team | None, user: User) -> dict[str, Any]:
    """Return what the ruleset would find in the chosen document, of its own rules first."""
    if not form.is_valid():
        return {}
    data = form.cleaned_data
    form.data = {**form.data.dict(), "source": data["source"]}  # type: ignore[attr-defined]
    if data["revision"] is None:
        form.add_error("revision", "Choose a document.")
        return {}
    try:
        spectral = check_spectral(data["source"])
        result = try_spectral(team=team, source=data["source"], revision=data["revision"], actor=user)
    except Invalid as error:
        form.take_errors(error)
        return {}
    return {"trial": _told(result, set(spectral.rules)), "tried": data["revision"], "remarks": spectral.remarks}


def _told(result: LintResult, own: set[str]) -> dict[str, Any]:
    mine = [finding for finding in result.findings if finding.code in own]
    return {"score": result.score, "count": len(mine), "findings": mine[:MOST_FINDINGS], "all": len(result.findings)}


def _file(row: LintRuleset, team: Team | None) -> HttpResponse:
    is_json = row.spectral.lstrip().startswith("{")
    response = HttpResponse(row.spectral, content_type=f"application/{'json' if is_json else 'yaml'}; charset=utf-8")
    name = f"{team.slug if team else 'organisation'}.spectral.{'json' if is_json else 'yaml'}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
