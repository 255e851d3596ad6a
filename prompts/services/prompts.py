"""Prompts and their versions: create and save."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
from django.db import IntegrityError, transaction
from django.db.models import F, Max

from apis.models import Api
from apis.services.contracts import free_slug
from common.errors import Conflict, Invalid, Stale
from common.identifiers import propose_slug
from prompts.models import PromptTemplate, PromptVersion
from prompts.parameters import clean_parameters, find_parameters, template_problems
from prompts.selectors import latest_version, templates_behind
from providers.selectors import model_named
from teams.models import Team, User
from teams.roles import require_permission
from teams.services.audit import record_audit

FIELDS = ("system", "text", "parameters", "model", "output", "schema", "temperature", "max_output_tokens")


def create_prompt(
    *, team: Team, name: str, actor: User, description: str = "", slug: str | None = None, **content: Any
) -> PromptTemplate:
    """Create a prompt with its first version; raise Conflict when the slug that is given is taken."""
    require_permission(actor=actor, team=team, permission="prompts.edit", what="create prompts")
    taken = _slugs(team)
    if slug and slug in taken:
        raise Conflict(f"{team.name} has a prompt called {slug} already.", code="name-taken")
    slug = slug or free_slug(propose_slug(name, fallback="prompt"), taken)
    template = PromptTemplate(team=team, name=name.strip(), slug=slug, description=description, created_by=actor)
    template.full_clean(validate_constraints=False)
    with transaction.atomic():
        template.save()
        record_audit(
            actor=actor, verb="prompt.create", target=template, team=team, after={"name": template.name, "slug": slug}
        )
        save_prompt_version(template=template, actor=actor, **content)
    return template


def follow_api(*, api: Api, actor: User) -> None:
    """Move the prompts behind an API to the team that has it now; where a slug is taken there they get a number."""
    for template in templates_behind(api).exclude(team=api.team):
        giver, before = template.team, {"team": template.team.name, "slug": template.slug}
        template.slug, template.team = free_slug(template.slug, _slugs(api.team)), api.team
        template.row_version += 1
        template.save(update_fields=["team", "slug", "row_version"])
        after = {"team": api.team.name, "slug": template.slug}
        for told in (giver, api.team):
            record_audit(actor=actor, verb="prompt.transfer", target=template, team=told, before=before, after=after)


def _slugs(team: Team) -> set[str]:
    return set(team.prompts.values_list("slug", flat=True))


def save_prompt_version(
    *, template: PromptTemplate, actor: User, row_version: int | None = None, **content: Any
) -> PromptVersion:
    """Save a prompt's working version; what was published is frozen, so a new version is made then.

    `parameters` left out are found in the texts; those known before keep their settings. Raise Invalid with a pointer
    per wrong value, Stale when `row_version` names an older reading.
    """
    require_permission(actor=actor, team=template.team, permission="prompts.edit", what="edit its prompts")
    current = latest_version(template)
    values = _checked({**_content_of(current), "parameters": None, **content}, current)
    if current is not None and current.revision_id is None:
        return _overwrite(current, values, actor, row_version)
    number = (template.versions.aggregate(top=Max("number"))["top"] or 0) + 1
    version = PromptVersion(template=template, number=number, created_by=actor, **values)
    version.full_clean(validate_constraints=False)
    try:
        with transaction.atomic():
            version.save()
            record_audit(
                actor=actor, verb="prompt.save", target=template, team=template.team,
                before=_audited(current), after=_audited(version),
            )  # fmt: skip
    except IntegrityError as error:
        raise Conflict("Somebody made this version meanwhile. Reload the page.") from error
    return version


def _overwrite(version: PromptVersion, values: dict[str, Any], actor: User, row_version: int | None) -> PromptVersion:
    before = _audited(version)
    for name, value in values.items():
        setattr(version, name, value)
    version.full_clean(validate_constraints=False)
    seen = version.row_version if row_version is None else row_version
    with transaction.atomic():
        rows = PromptVersion.objects.filter(pk=version.pk, row_version=seen, revision=None)
        if rows.update(**values, row_version=F("row_version") + 1) != 1:
            raise Stale("Somebody saved this prompt meanwhile. Reload it and repeat your change.")
        version.refresh_from_db()
        record_audit(
            actor=actor, verb="prompt.save", target=version.template, team=version.template.team,
            before=before, after=_audited(version),
        )  # fmt: skip
    return version


def _content_of(version: PromptVersion | None) -> dict[str, Any]:
    if version is None:
        return {"system": "", "output": "text", "schema": None, "temperature": None, "max_output_tokens": 256}
    return {name: getattr(version, name) for name in FIELDS}


def _audited(version: PromptVersion | None) -> dict[str, Any]:
    """Return what the audit log keeps: never the prompt's text, which may be confidential, but its size."""
    if version is None:
        return {}
    return {
        "number": version.number,
        "model": version.model,
        "output": version.output,
        "parameters": [item["name"] for item in version.parameters],
        "text_chars": len(version.text),
    }


def _checked(content: dict[str, Any], current: PromptVersion | None) -> dict[str, Any]:
    if unknown := set(content) - set(FIELDS):
        raise Invalid(f"A prompt has no {', '.join(sorted(unknown))}.")
    texts = {"system": content.get("system") or "", "text": content.get("text") or ""}
    given = content.get("parameters")
    if given is None:
        known = {item["name"]: item for item in current.parameters} if current else {}
        given = [known.get(name, {"name": name}) for name in find_parameters(*texts.values())]
    parameters, errors = clean_parameters(given)
    errors += template_problems(texts, [row["name"] for row in parameters])
    if not texts["text"].strip():
        errors.append({"detail": "Write the text the model gets.", "pointer": "/text"})
    if model_named(content.get("model") or "") is None:
        detail = f"There is no model called {content.get('model') or ''!r}. /ai/models lists them."
        errors.append({"detail": detail, "pointer": "/model"})
    errors += _schema_problems(content)
    if errors:
        raise Invalid(errors[0]["detail"], errors=errors)
    schema = content.get("schema") if content.get("output") == "json" else None
    return {**content, **texts, "parameters": parameters, "schema": schema}


def _schema_problems(content: dict[str, Any]) -> list[dict[str, str]]:
    if content.get("output") != "json":
        return []
    schema = content.get("schema")
    if not isinstance(schema, dict) or not schema:
        return [{"detail": "JSON output needs a JSON Schema that describes it.", "pointer": "/schema"}]
    try:
        jsonschema_rs.validator_for(schema, retriever=_no_remote)
    except ValueError as error:
        return [{"detail": f"The JSON Schema cannot be used: {error}"[:300], "pointer": "/schema"}]
    return []


def _no_remote(uri: str) -> Any:
    raise ValueError(f"a schema may not refer to {uri}: put it inside")
