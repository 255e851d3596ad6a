"""New API: from an OpenAPI document, by form; the progress of a large import."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse

from apis.models import Api, ImportJob
from apis.services.imports import import_document
from common.errors import Invalid, NotFound
from common.permissions import page
from console.forms import GatehouseForm, run_form
from console.pages import render_page
from teams.models import User
from teams.roles import teams_of, teams_with

SAMPLE = """openapi: 3.1.0
info:
  title: Parcels
  version: 1.0.0
  description: Where a parcel is.
paths:
  /orders:
    get:
      operationId: listParcels
      summary: List parcels
      responses:
        "200":
          description: The parcels.
"""
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


class BaseApiForm(GatehouseForm):
    """What each way of making an API asks for."""

    team = forms.ChoiceField()
    name = forms.CharField(max_length=120, required=False, help_text="Taken from the document when left empty.")
    upstream_url = forms.CharField(
        label="Upstream base URL", max_length=500, required=False,
        help_text="The server that answers, such as https://orders.internal.example/v1",
    )  # fmt: skip
    base_path = forms.CharField(
        max_length=200, required=False, help_text="Where callers find it; /team/api when left empty.",
    )  # fmt: skip
    tags = forms.CharField(max_length=300, required=False, help_text="Separated by commas.")
    visibility = forms.ChoiceField(label="Who may see it", choices=Api.Visibility.choices)

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.teams = {team.slug: team for team in teams_with(user, "apis.design")}
        self.fields["team"].choices = [(slug, team.name) for slug, team in self.teams.items()]  # type: ignore[attr-defined]

    def details(self) -> dict[str, Any]:
        """Return what is given to the import."""
        data = self.cleaned_data
        tags = [tag.strip() for tag in data["tags"].split(",") if tag.strip()]
        known = {name: data[name].strip() for name in ("name", "upstream_url", "base_path")}
        return {**known, "tags": tags, "visibility": data["visibility"]}


class ImportForm(BaseApiForm):
    """A document: pasted, uploaded or by URL."""

    source = forms.CharField(
        label="OpenAPI document", required=False, strip=False,
        widget=forms.Textarea(attrs={"class": "form-control gh-code-input", "rows": 16, "spellcheck": "false"}),
        help_text="JSON or YAML; OpenAPI 3.1, 3.0 or Swagger 2.0.",
    )  # fmt: skip
    file = forms.FileField(
        label="Or upload a file", required=False,
        help_text="A document, or a zip archive of one in several files that refer to each other.",
    )  # fmt: skip
    root = forms.CharField(
        label="Document of the archive", max_length=500, required=False,
        help_text="Only for a zip archive with several, such as public/openapi.yaml.",
    )  # fmt: skip
    source_url = forms.URLField(label="Or fetch it from a URL", required=False, max_length=1000, assume_scheme="https")
    field_order = (
        "team",
        "source",
        "file",
        "root",
        "source_url",
        "upstream_url",
        "name",
        "base_path",
        "tags",
        "visibility",
    )

    def clean(self) -> dict[str, Any]:
        """Ask for exactly one document."""
        data: dict[str, Any] = super().clean() or {}
        given = [name for name in ("source", "file", "source_url") if data.get(name)]
        if len(given) != 1 and not self.errors:
            self.add_error("source", "Paste a document, upload a file or give a URL: one of the three.")
        return data


class PlainForm(BaseApiForm):
    """One operation described by hand; a small document is made of it."""

    method = forms.ChoiceField(choices=[(name, name) for name in METHODS])
    path = forms.RegexField(r"^/\S*$", max_length=200, initial="/", help_text="Such as /orders/{id}")
    summary = forms.CharField(max_length=200, required=False)
    field_order = ("team", "name", "method", "path", "summary", "upstream_url", "base_path", "tags", "visibility")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].required = True

    def document(self) -> str:
        """Return the OpenAPI document of the one operation."""
        data = self.cleaned_data
        names = [part[1:-1] for part in data["path"].split("/") if part.startswith("{") and part.endswith("}")]
        parameters = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]
        operation = {
            "summary": data["summary"], "parameters": parameters, "responses": {"200": {"description": "The answer."}},
        }  # fmt: skip
        paths = {data["path"]: {data["method"].lower(): operation}}
        return json.dumps({"openapi": "3.1.0", "info": {"title": data["name"], "version": "1.0.0"}, "paths": paths})


@page("signed_in", methods=("GET", "HEAD", "POST"))
def new_api(request: HttpRequest) -> HttpResponse:
    """Choose how to begin, then make the API."""
    user: User = request.user  # type: ignore[assignment]
    way = request.GET.get("from", "document")
    form_class = PlainForm if way == "form" else ImportForm
    form = form_class(user, request.POST or None, request.FILES or None)
    if way == "document" and request.GET.get("sample") and not form.is_bound:
        form.initial["source"] = SAMPLE
    if request.method == "POST" and (done := run_form(request, form, lambda: _create(request, user, form))):
        return done
    status = 422 if form.is_bound else 200
    return render_page(request, "workspace/new.html", {"form": form, "way": way}, status=status)


def _create(request: HttpRequest, user: User, form: BaseApiForm) -> str:
    source, source_url = _source(form)
    try:
        job = import_document(
            actor=user, team=form.teams[form.cleaned_data["team"]], source=source, source_url=source_url,
            root=form.cleaned_data.get("root", ""), **form.details(),
        )  # fmt: skip
    except Invalid as error:
        for item in error.errors:
            pointer = str(item.get("pointer", ""))
            if pointer.lstrip("/").split("/")[0] not in form.fields:
                is_placed = "line" in item["detail"]
                where = f"Line {item['line']}: " if item.get("line") else f"{pointer}: " if pointer else ""
                item["detail"] = item["detail"] if is_placed else f"{where}{item['detail']}"
                item["pointer"] = "/source"
        raise
    if job.state != ImportJob.State.DONE:
        return f"/workspace/imports/{job.public_id}"
    messages.success(request, f"{job.api} is a draft. {_bundled(job)}Look it over, then {_next_step(job)}.")
    return _url(job)


def _next_step(job: ImportJob) -> str:
    return "send it for review" if job.team.required_approvals else "publish it"


def _bundled(job: ImportJob) -> str:
    """Say what an archive was made into; the import's findings tell of each part."""
    rules = [str(finding.get("rule", "")) for finding in job.findings]
    if "archive-root" not in rules:
        return ""
    count = rules.count("archive-bundled")
    ignored = next((f" {item['detail']}" for item in job.findings if item.get("rule") == "archive-ignored"), "")
    parts = "1 part of another file is" if count == 1 else f"{count} parts of other files are"
    return f"{parts} bundled into it.{ignored} "


def _source(form: BaseApiForm) -> tuple[bytes | str, str]:
    if isinstance(form, PlainForm):
        return form.document(), ""
    data = form.cleaned_data
    if data.get("file"):
        return data["file"].read(), ""
    return data.get("source") or "", data.get("source_url") or ""


def _url(job: ImportJob) -> str:
    api = job.api
    assert api is not None
    version = api.versions.order_by("-id").first()
    return f"/workspace/{api.team.slug}/{api.slug}/{version.name if version else 'v1'}"


@page("team.view")
def import_progress(request: HttpRequest, job: str) -> HttpResponse:
    """Show how a large import stands; goes on by itself when it is done."""
    found = ImportJob.objects.filter(public_id=job, team__in=teams_of(request.user)).select_related("api__team").first()  # type: ignore[arg-type]
    if found is None:
        raise NotFound("There is no such import.")
    context = {"job": found, "url": _url(found) if found.api else "", "is_open": found.state in ("queued", "running")}
    return render_page(request, "workspace/import.html", context, fragment="progress")
