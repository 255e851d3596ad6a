"""The design of a version: the document in an editor, its problems, its upstream."""

from __future__ import annotations

import json
from typing import Any

import yaml
from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from apis.design.document import MAX_LINE_BYTES
from apis.design.lines import number_lines
from apis.design.outline import OutlineEntry, outline_of
from apis.lifecycle import ROUTED
from apis.lint import RULES
from apis.lint.engine import in_source
from apis.models import Revision
from apis.selectors import working_copy
from apis.services.documents import check_document, finding_json, save_draft
from apis.services.linting import lint_revision
from common.concurrency import etag_of, require_match
from common.errors import Invalid, NotFound, Stale
from common.permissions import page
from console.forms import GatehouseForm, may_post
from console.pages import render_page
from console.workspace.conflict import DesignConflict, conflict_of
from console.workspace.text_diff import line_diff
from console.workspace.version import head_of, my_version

MOST_LINT = 200
# A longer text is not sent twice with each save; a conflict then asks for all that differs.
MOST_BASE = 4 * 1024 * 1024
MOST_OUTLINE = 2000
SEVERITY_RANK = {"error": 0, "warn": 1, "info": 2}


class SettingsField(forms.CharField):
    """A mapping written as YAML, empty for none."""

    widget = forms.Textarea

    def prepare_value(self, value: Any) -> Any:
        """Show a mapping as YAML; what was typed stays as it is."""
        return (
            yaml.safe_dump(value, sort_keys=False, allow_unicode=True)
            if value and isinstance(value, dict)
            else value or ""
        )

    def to_python(self, value: Any) -> Any:
        """Return the mapping; raise ValidationError with the line that cannot be read."""
        try:
            settings = yaml.load(super().to_python(value) or "", Loader=yaml.CSafeLoader)  # noqa: S506  the safe loader, in C
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            raise forms.ValidationError(f"Line {line} is not YAML: {error.problem}.") from error
        except (yaml.YAMLError, RecursionError) as error:
            raise forms.ValidationError("This is not YAML.") from error
        if settings is not None and not isinstance(settings, dict):
            raise forms.ValidationError("Gateway settings are blocks with a name each, such as 'cors:'.")
        return settings or {}


class DesignForm(GatehouseForm):
    """The document and its routing."""

    source = forms.CharField(
        label="OpenAPI document", strip=False, required=False,
        widget=forms.Textarea(attrs={"class": "form-control gh-code-input", "rows": 24, "spellcheck": "false"}),
    )  # fmt: skip
    upstream_url = forms.CharField(label="Upstream base URL", max_length=500, required=False)
    connect_timeout_seconds = forms.FloatField(label="Seconds to connect", min_value=0.1, max_value=60)
    total_timeout_seconds = forms.FloatField(label="Seconds in all", min_value=0.1, max_value=3600)
    max_body_bytes = forms.IntegerField(label="Largest request body, bytes", min_value=0)
    gateway = SettingsField(
        label="Gateway settings, YAML", required=False, max_length=20_000,
        widget=forms.Textarea(attrs={"class": "form-control gh-code-input", "rows": 6, "spellcheck": "false"}),
    )  # fmt: skip

    def clean_source(self) -> str:
        """Return the text with the line ends it had; browsers post CRLF."""
        return str(self.cleaned_data["source"]).replace("\r\n", "\n")


ROUTING = ("upstream_url", "connect_timeout_seconds", "total_timeout_seconds", "max_body_bytes", "gateway")


@page("team.view", methods=("GET", "HEAD", "POST"))
def design(request: HttpRequest, team: str, api: str, version: str) -> HttpResponse:
    """Edit the working copy; what is published is shown read-only."""
    found = my_version(request, team, api, version)
    may_post(request, found.api.team, "apis.design", "edit its design")
    revision = working_copy(found)
    if revision is None:
        raise NotFound("This version has no document yet.")
    revision.version = found
    head = head_of(request, found, "design")
    is_editable = revision.state == Revision.State.DRAFT and head["can_develop"] and found.api.kind == "rest"
    form = DesignForm(request.POST or None, initial={"source": _source(revision), **_routing(revision)})
    is_served = found.state in ROUTED
    context: dict[str, Any] = {
        **head, "revision": revision, "form": form, "is_editable": is_editable, "is_served": is_served
    }  # fmt: skip
    if request.method == "POST" and is_editable and form.is_valid():
        saved = _save(request, revision, form, context)
        if saved is not None:
            return saved
    context |= {
        "base_source": _base_source(request, _source(revision) if len(revision.source) <= MOST_BASE else ""),
        "base_routing": request.POST.get("base_routing") or json.dumps(_routing(revision)),
        # What the form was read with, also when it comes back with errors.
        "etag": request.POST.get("etag") or etag_of(revision),
    }
    context["source"] = _source(revision)
    context["outline"] = _outline(form["source"].value() or "")
    context["findings"] = _findings(form["source"].value() or "", revision)
    status = 422 if form.is_bound and form.errors else 200
    return render_page(request, "workspace/design.html", context, status=status)


def _save(request: HttpRequest, revision: Revision, form: DesignForm, context: dict[str, Any]) -> HttpResponse | None:
    """Save what was typed, or what was merged, and go on; None when a value is refused."""
    source, routing = form.cleaned_data["source"], {name: form.cleaned_data[name] for name in ROUTING}
    etag = request.POST.get("etag", "")
    try:
        if request.POST.get("resolve") == "merge":
            require_match(revision, etag)
            source, routing = _conflict(request, form, revision).decided(request.POST)
        saved = save_draft(revision=revision, actor=request.user, if_match=etag, source=source, **routing)  # type: ignore[arg-type]
    except Stale:
        return _ask(request, form, context)
    except Invalid as error:
        if request.POST.get("resolve") == "merge":
            return _ask(request, form, context, refusal=error.detail)
        form.take_errors(error)
        return None
    errors = sum(1 for finding in saved.findings if finding.severity == "error")
    text = f"Saved with {errors} problem{'s' if errors != 1 else ''} to mend." if errors else "Saved without problems."
    messages.success(request, text)
    following = f"/revisions/{revision.number}/release" if context["is_served"] else ""
    return HttpResponseRedirect(f"{context['base']}{'/design' if errors else following}")


def _conflict(request: HttpRequest, form: DesignForm, stored: Revision) -> DesignConflict:
    data = form.cleaned_data
    return conflict_of(
        source=data["source"], routing={name: data[name] for name in ROUTING}, stored=stored,
        base_source=_base_source(request), base_routing=request.POST.get("base_routing", ""),
    )  # fmt: skip


def _ask(request: HttpRequest, form: DesignForm, context: dict[str, Any], *, refusal: str = "") -> HttpResponse:
    """Show mine and theirs with what goes together, against what is stored by now."""
    stored = Revision.objects.select_related("author").get(pk=context["revision"].pk)
    found = _conflict(request, form, stored)
    context |= {
        "conflict": found, "stored": stored, "etag": etag_of(stored), "refusal": refusal,
        "merged": {"mine": found.merge.count("mine"), "theirs": found.merge.count("theirs")},
        "places": [(name, dispute, request.POST.get(name, "")) for name, dispute in found.places],
        "fields": [(form[field.name], field, request.POST.get(f"field-{field.name}", "")) for field in found.fields],
        "hunks": line_diff(stored.source.splitlines(), form.cleaned_data["source"].splitlines()),
        "base_source": _base_source(request),
        "base_routing": request.POST.get("base_routing", ""),
    }  # fmt: skip
    return render_page(request, "workspace/conflict.html", context, status=422 if refusal else 412)


def _base_source(request: HttpRequest, stored: str = "") -> str:
    """Return the text that editing began with, as the browser says."""
    return request.POST.get("base_source", stored).replace("\r\n", "\n")


def _source(revision: Revision) -> str:
    """Return the document to read and edit: JSON that came on one line is laid out, all else is as written."""
    text = revision.source
    if revision.source_format != "json" or "\n" in text.strip() or len(text) > MOST_BASE:
        return text
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:
        return text


def _routing(revision: Revision) -> dict[str, Any]:
    return {name: getattr(revision, name) for name in ROUTING}


def _findings(source: str, revision: Revision) -> list[dict[str, Any]]:
    """Return what is wrong with a text, and of a valid one what the team's rules find in it too."""
    if not source.strip():
        return []
    try:
        checked = check_document(source)
    except Invalid as error:
        return list(error.errors)
    found, custom = list(checked.findings), set[str]()
    if checked.content_hash:
        is_old = checked.source.lstrip().startswith(("swagger", '{"swagger'))
        lint = lint_revision(revision, checked.document).findings[:MOST_LINT]
        custom = {finding.code for finding in lint} - RULES.keys()
        placed = (in_source(finding, "2.0" if is_old else "3.1") for finding in lint)
        found += number_lines(placed, checked.source if len(checked.source) < MAX_LINE_BYTES else "")
    ordered = sorted(found, key=lambda item: SEVERITY_RANK[item.severity])
    return [{**finding_json(finding), "help": _help(finding.code, custom, revision)} for finding in ordered]


def _help(code: str, custom: set[str], revision: Revision) -> str:
    """Return the page that explains a code: a custom rule stands in the team's ruleset."""
    page = f"/teams/{revision.version.api.team.slug}/lint/ruleset" if code in custom else "/help/lint"
    return f"{page}#{code}"


def _outline(source: str) -> list[OutlineEntry]:
    return outline_of(source)[:MOST_OUTLINE] if len(source) < MAX_LINE_BYTES else []


@page("apis.design", methods=("POST",))
def problems(request: HttpRequest, team: str, api: str, version: str) -> HttpResponse:
    """Answer the problems of a text while it is typed; nothing is saved."""
    found = my_version(request, team, api, version)
    revision = working_copy(found)
    if revision is None:
        raise NotFound("This version has no document yet.")
    revision.version = found
    source = request.POST.get("source", "")
    context = {
        "findings": _findings(source, revision),
        # A text that cannot be read for a moment keeps the outline it had.
        "outline": _outline(source),
        "is_typing": True,
        "base": head_of(request, found, "")["base"],
    }
    return render_page(request, "workspace/_problems.html", context)
