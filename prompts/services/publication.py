"""A prompt becomes an API: its own document, a version, a plan, a route."""

from __future__ import annotations

from typing import Any

import orjson
from django.db import transaction

from apis.design.prompt_document import PromptParameter, prompt_openapi
from apis.models import Api, ApiVersion
from apis.services.contracts import create_api
from apis.services.documents import require_valid_document, write_document
from apis.services.publishing import publish_version
from apis.services.reviews import submit_for_review
from apis.services.versions import create_version
from common.errors import Conflict, Invalid
from prompts.models import PromptVersion
from prompts.selectors import published_as
from teams.models import User
from teams.roles import require_permission
from teams.services.audit import record_audit

DEFAULT_PATH = "/run"


def prompt_document(version: PromptVersion, path: str = DEFAULT_PATH) -> dict[str, Any]:
    """Return the OpenAPI document a prompt version is published with."""
    return prompt_openapi(
        title=version.template.name,
        description=version.template.description,
        path=path,
        parameters=[
            PromptParameter(
                name=item["name"],
                type=item["type"],
                required=item["is_required"],
                description=item["description"],
                default=item["default"],
                enum=tuple(item["values"]),
            )
            for item in version.parameters
        ],
        output="json" if version.output == PromptVersion.Output.JSON else "text",
        output_schema=version.schema,
    )


def publish_prompt(
    *,
    version: PromptVersion,
    actor: User,
    path: str = DEFAULT_PATH,
    base_path: str | None = None,
    visibility: str = Api.Visibility.EVERYONE,
    limits: list[dict[str, Any]] | None = None,
    tags: tuple[str, ...] = (),
) -> ApiVersion:
    """Publish a prompt version as `POST {base_path}/v1{path}`; a prompt that is an API already gets its next version.

    All in one transaction; where the team asks for approvals the version is left in review, and is published from the
    workspace once it has them.
    """
    template = version.template
    require_permission(actor=actor, team=template.team, permission="apis.publish", what="publish prompts")
    if not path.startswith("/") or "{" in path or "//" in path:
        detail = f"The path {path!r} must start with / and hold no parameters, such as /run."
        raise Invalid(detail, errors=[{"detail": detail, "pointer": "/path"}])
    with transaction.atomic():
        # Held to the end: what is saved meanwhile becomes the next version, what was published meanwhile is seen.
        version = (
            PromptVersion.objects.select_for_update(of=("self",)).select_related("template__team").get(pk=version.pk)
        )
        if version.revision_id is not None:
            raise Conflict(
                f"Version {version.number} of {template.name} is published already. Change it to publish anew."
            )
        before = published_as(template)
        if before is None:
            api = create_api(
                team=template.team, kind=Api.Kind.PROMPT, name=template.name, slug=None,
                summary=template.description[:300], tags=tags, base_path=base_path, visibility=visibility,
                limits=limits, actor=actor,
            )  # fmt: skip
            target = api.versions.select_related("api__team").get()
        else:
            target = _next_target(before, actor)
        revision = target.revisions.get(state="draft")
        checked = require_valid_document(orjson.dumps(prompt_document(version, path)))
        write_document(revision=revision, checked=checked, actor=actor, routing={})
        PromptVersion.objects.filter(pk=version.pk).update(revision=revision)
        version.refresh_from_db()
        record_audit(
            actor=actor, verb="prompt.publish", target=template, team=template.team,
            before={"published_as": before.name if before else None},
            after={"number": version.number, "api": target.api.public_id, "version": target.name},
        )  # fmt: skip
        if template.team.required_approvals:
            return submit_for_review(version=target, actor=actor)
        return publish_version(version=target, actor=actor)


def _next_target(before: ApiVersion, actor: User) -> ApiVersion:
    """Return the version to fill: the draft that was rejected or taken back, else a new one."""
    if before.published_at is not None:
        return create_version(api=before.api, actor=actor)
    if before.state != ApiVersion.State.DRAFT:
        state = before.get_state_display().lower()
        raise Conflict(f"{before} is {state}. Publish it or take it back in the workspace first.")
    return before
