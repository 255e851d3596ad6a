"""Prompts: write, run, publish as an API."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.request import QueryDict

from apis.limits import make_limits
from apis.models import Api
from apis.paths import propose_base_path
from common.errors import DomainError, Invalid
from common.identifiers import propose_slug
from common.permissions import page
from console.ai.models import tabs
from console.forms import GatehouseForm, may_post, run_form
from console.pages import render_page, require_declared
from console.tables import Table
from gateway.control.rollout import wait_until_applied
from prompts.models import PromptTemplate, PromptVersion
from prompts.parameters import TYPES, clean_parameters, find_parameters
from prompts.selectors import latest_version, prompt_for, prompts_for, published_as
from prompts.services.playground import run_prompt
from prompts.services.prompts import create_prompt, save_prompt_version
from prompts.services.publication import prompt_document, publish_prompt
from providers.selectors import callable_names
from teams.models import User
from teams.roles import has_permission, teams_with

# The form's action that only looks for parameters while somebody types.
FIND = "parameters"
STARTERS = {
    "translation": (
        "Translation",
        "Translate the following text to {{language}}. Answer with the translation only.\n\n{{text}}",
    ),
    "sentiment": (
        "Sentiment",
        "Is the mood of this text positive, negative or neutral? Answer with one word.\n\n{{text}}",
    ),
    "analysis": (
        "Data analysis",
        "Here is a table as CSV:\n\n{{table}}\n\nAnswer this question about it in two sentences: {{question}}",
    ),
}


@page("signed_in")
def prompts(request: HttpRequest) -> HttpResponse:
    """List the prompts of this person's teams."""
    user: User = request.user  # type: ignore[assignment]
    table = Table(request, prompts_for(user), columns={"name": "name", "team": "team__name", "created": "created_at"})
    context = {"table": table, "tabs": tabs("prompts"), "can_create": teams_with(user, "prompts.edit").exists()}
    return render_page(request, "ai/prompts.html", context)


class PromptForm(GatehouseForm):
    """The text, its model and what comes out."""

    name = forms.CharField(max_length=120)
    text = forms.CharField(
        label="Template", max_length=100_000, strip=False,
        widget=forms.Textarea(attrs={"rows": 10, "class": "form-control gh-mono", "spellcheck": "true"}),
        help_text="A name in double braces, such as {{text}}, is a parameter.",
    )  # fmt: skip
    system = forms.CharField(
        label="System text", max_length=100_000, required=False, strip=False,
        widget=forms.Textarea(attrs={"rows": 3, "class": "form-control gh-mono"}),
    )  # fmt: skip
    model = forms.ChoiceField()
    output = forms.ChoiceField(choices=PromptVersion.Output.choices)
    schema = forms.CharField(
        label="JSON Schema of the output", required=False,
        widget=forms.Textarea(attrs={"rows": 5, "class": "form-control gh-mono"}), help_text="Needed for JSON output.",
    )  # fmt: skip
    max_output_tokens = forms.IntegerField(min_value=1, max_value=100_000, initial=256)
    temperature = forms.FloatField(min_value=0, max_value=2, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["model"].choices = [(name, name) for name in callable_names()]  # type: ignore[attr-defined]

    def clean_schema(self) -> dict[str, Any] | None:
        """Return the schema; say where its JSON is wrong."""
        text = self.cleaned_data["schema"].strip()
        if not text:
            return None
        try:
            schema = json.loads(text)
        except ValueError as error:
            raise forms.ValidationError(f"This is not JSON: {error}.") from error
        if not isinstance(schema, dict):
            raise forms.ValidationError("A JSON Schema is an object.")
        return schema

    def content(self, parameters: list[dict[str, Any]]) -> dict[str, Any]:
        """Return what the services take."""
        names = ("text", "system", "model", "output", "schema", "max_output_tokens", "temperature")
        return {**{name: self.cleaned_data[name] for name in names}, "parameters": parameters}


def read_parameters(data: QueryDict, known: list[dict[str, Any]] | None = None) -> list[dict[str, Any]]:
    """Return the parameters of the form: those found in the texts, with the settings posted beside them."""
    by_name = {item["name"]: item for item in known or []}
    rows = []
    for name in find_parameters(data.get("system", ""), data.get("text", "")):
        row = dict(by_name.get(name, {"name": name, "type": "string", "is_required": True}))
        kind = data.get(f"type.{name}")
        if kind is not None:
            values = [value.strip() for value in data.get(f"values.{name}", "").split(",") if value.strip()]
            row |= {
                "type": kind, "is_required": data.get(f"required.{name}") == "1", "values": values,
                "default": typed(kind, data.get(f"default.{name}", "")),
                "description": data.get(f"description.{name}", ""),
            }  # fmt: skip
        rows.append(row)
    return rows


def typed(kind: str, text: str) -> Any:
    """Return an argument typed into a form as its type; what does not fit stays text and is refused with its name."""
    if text == "":
        return None
    try:
        if kind == "integer":
            return int(text)
        if kind == "number":
            return float(text)
    except ValueError:
        return text
    if kind == "boolean" and text.lower() in {"true", "false"}:
        return text.lower() == "true"
    return text


@page("signed_in", methods=("GET", "HEAD", "POST"))
def new_prompt(request: HttpRequest) -> HttpResponse:
    """Start a prompt from a starter; run it, save it."""
    user: User = request.user  # type: ignore[assignment]
    teams = {team.slug: team for team in teams_with(user, "prompts.edit")}
    starter = STARTERS.get(request.GET.get("starter", "translation"), STARTERS["translation"])
    form = PromptForm(request.POST or None, initial={"name": starter[0], "text": starter[1]})
    chosen = teams.get(request.POST.get("team", "")) or next(iter(teams.values()), None)

    def create() -> str:
        assert chosen is not None
        made = create_prompt(
            team=chosen, name=form.cleaned_data["name"], actor=user, **form.content(read_parameters(request.POST))
        )
        url = f"/ai/prompts/{made.team.slug}/{made.slug}"
        return f"{url}/publish" if request.POST.get("action") == "publish" else url

    action = request.POST.get("action", "")
    if request.method == "POST" and chosen is not None and action != FIND:
        if action == "run":
            return _run(request, form, _unsaved(chosen, user, form, request))
        if done := run_form(request, form, create):
            return done
    parameters = read_parameters(request.POST) if form.is_bound else [{"name": n} for n in find_parameters(starter[1])]
    context = {
        "form": form, "teams": teams, "chosen": chosen, "starters": STARTERS, "parameters": parameters,
        "types": TYPES, "crumbs": [("AI", "/ai/models"), ("Prompts", "/ai/prompts")], "title": "New prompt",
        "url": "/ai/prompts/new", "can_develop": True,
        "can_publish": chosen is not None and has_permission(user, chosen, "apis.publish"),
    }  # fmt: skip
    status = 422 if form.is_bound and form.errors and action != FIND else 200
    return render_page(request, "ai/prompt.html", context, fragment="parameters", status=status)


def _unsaved(team: Any, user: User, form: PromptForm, request: HttpRequest) -> PromptVersion | None:
    if not form.is_valid():
        return None
    template = PromptTemplate(team=team, name=form.cleaned_data["name"], created_by=user)
    return _filled(PromptVersion(template=template, number=0, created_by=user), form, request)


def _filled(version: PromptVersion, form: PromptForm, request: HttpRequest) -> PromptVersion:
    """Return the version as the form has it, not saved."""
    content = form.content(read_parameters(request.POST, version.parameters))
    content["parameters"], errors = clean_parameters(content["parameters"])
    if errors:
        raise Invalid(errors[0]["detail"], errors=errors)
    for name, value in content.items():
        setattr(version, name, value)
    version.system = version.system or ""
    return version


def _run(request: HttpRequest, form: PromptForm, version: PromptVersion | None) -> HttpResponse:
    """Run what is in the form and answer the run pane."""
    context: dict[str, Any] = {"form_errors": form.errors if version is None else None}
    if version is not None:
        arguments = {}
        for item in version.parameters:
            value = typed(item["type"], request.POST.get(f"argument.{item['name']}", ""))
            if value is not None:
                arguments[item["name"]] = value
        try:
            run = run_prompt(version=version, arguments=arguments, actor=request.user)  # type: ignore[arg-type]
            text = run.output if isinstance(run.output, str) else json.dumps(run.output, indent=2, ensure_ascii=False)
            context |= {"run": run, "output": text}
        except DomainError as error:
            context["problem"] = error
    return render_page(request, "ai/_run.html", context)


@page("team.view", methods=("GET", "HEAD", "POST"))
def prompt(request: HttpRequest, team: str, prompt: str) -> HttpResponse:
    """Edit a prompt, run it, save it."""
    user: User = request.user  # type: ignore[assignment]
    template = prompt_for(user, team, prompt)
    may_post(request, template.team, "prompts.edit", "edit and run its prompts")
    version = latest_version(template)
    assert version is not None
    form = PromptForm(request.POST or None, initial=_initial(version))
    url = f"/ai/prompts/{template.team.slug}/{template.slug}"

    def save() -> str:
        parameters = read_parameters(request.POST, version.parameters)
        save_prompt_version(template=template, actor=user, **form.content(parameters))
        messages.success(request, "Saved.")
        return f"{url}/publish" if request.POST.get("action") == "publish" else url

    action = request.POST.get("action", "")
    if request.method == "POST" and action != FIND:
        if action == "run":
            return _run(request, form, _filled(version, form, request) if form.is_valid() else None)
        if done := run_form(request, form, save):
            return done
    context = {
        "form": form, "template": template, "version": version, "types": TYPES, "title": template.name, "url": url,
        "parameters": read_parameters(request.POST, version.parameters) if form.is_bound else version.parameters,
        "crumbs": [("AI", "/ai/models"), ("Prompts", "/ai/prompts")], "published": published_as(template),
        "can_develop": has_permission(user, template.team, "prompts.edit"),
        "can_publish": has_permission(user, template.team, "apis.publish"),
    }  # fmt: skip
    status = 422 if form.is_bound and form.errors and action != FIND else 200
    return render_page(request, "ai/prompt.html", context, fragment="parameters", status=status)


def _initial(version: PromptVersion) -> dict[str, Any]:
    names = ("text", "system", "model", "output", "max_output_tokens", "temperature")
    schema = json.dumps(version.schema, indent=2) if version.schema else ""
    return {**{name: getattr(version, name) for name in names}, "name": version.template.name, "schema": schema}


class PublishForm(GatehouseForm):
    """Where the prompt is called and by whom."""

    base_path = forms.CharField(max_length=200, help_text="Fixed from the publication on.")
    path = forms.CharField(max_length=100, initial="/run")
    per_minute = forms.IntegerField(label="Requests per minute", min_value=1, initial=60)
    per_day = forms.IntegerField(label="Requests per day", min_value=1, initial=1000)
    visibility = forms.ChoiceField(label="Who may call it", choices=Api.Visibility.choices)


@page("apis.publish", methods=("GET", "HEAD", "POST"))
def publish(request: HttpRequest, team: str, prompt: str) -> HttpResponse:
    """Publish a prompt as an API."""
    user: User = request.user  # type: ignore[assignment]
    template = prompt_for(user, team, prompt)
    require_declared(request, template.team)
    version, before = latest_version(template), published_as(template)
    assert version is not None
    slug = propose_slug(template.name, fallback="prompt")
    form = PublishForm(request.POST or None, initial={"base_path": propose_base_path(template.team.slug, slug)})
    if before is not None:
        for name in ("base_path", "per_minute", "per_day", "visibility"):
            del form.fields[name]

    def work() -> str:
        data = form.cleaned_data
        details: dict[str, Any] = {"path": data["path"]}
        if before is None:
            limits = make_limits(per_minute=data["per_minute"], per_day=data["per_day"])
            details |= {"base_path": data["base_path"], "visibility": data["visibility"], "limits": limits}
        made = publish_prompt(version=version, actor=user, **details)
        if made.published_at is None:
            messages.success(request, f"{made} waits for its approvals.")
            return f"/workspace/{made.api.team.slug}/{made.api.slug}/{made.name}"
        applied, total = wait_until_applied("route", made.public_id)
        messages.success(request, f"{made} is published. {applied} of {total} gateway workers serve it.")
        return f"/catalog/{made.api.team.slug}/{made.api.slug}/{made.name}"

    if request.method == "POST" and (done := run_form(request, form, work)):
        return done
    document = json.dumps(prompt_document(version, form["path"].value() or "/run"), indent=2, ensure_ascii=False)
    context = {
        "form": form, "template": template, "version": version, "before": before, "document": document,
        "crumbs": [("AI", "/ai/models"), ("Prompts", "/ai/prompts"), (template.name, f"/ai/prompts/{team}/{prompt}")],
    }  # fmt: skip
    return render_page(request, "ai/publish.html", context, status=422 if form.is_bound else 200)
