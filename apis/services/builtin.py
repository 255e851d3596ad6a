"""The one built-in API `ai`: the unified AI endpoints, subscribed to like any other."""

from __future__ import annotations

import json

from django.db import transaction

from apis.ai_document import AI_DOCUMENT
from apis.lifecycle import SOLO_PATH, find_move
from apis.limits import make_limits
from apis.models import Api, ApiVersion, Deployment, Environment, Operation, Revision
from apis.services.catalog import refresh_entry
from apis.services.documents import check_document
from apis.services.moves import move_version
from apis.services.plans import write_plan
from apis.signals import version_changed
from common.clock import now
from teams.models import Team
from teams.services.audit import record_audit

SLUG = "ai"
PLATFORM_TEAM = "platform"
LIMITS = make_limits(per_minute=60, per_day=2000)


def ensure_ai_api() -> Api:
    """Return the built-in API, made with its version v1, published, and its plan "Standard" if it is missing."""
    api = Api.objects.filter(kind=Api.Kind.MODEL).first()
    if api is not None:
        return api
    with transaction.atomic():
        team, is_new = Team.objects.get_or_create(
            slug=PLATFORM_TEAM, defaults={"name": "Platform", "description": "Runs this installation."}
        )
        if is_new:
            record_audit(actor=None, verb="team.create", target=team, team=team, after={"slug": team.slug})
        # Two processes that start at once: the second finds the row of the first under the unique base path.
        api, is_new = Api.objects.get_or_create(
            base_path="",
            defaults={
                "team": team,
                "kind": Api.Kind.MODEL,
                "slug": SLUG,
                "name": "AI models",
                "summary": "Chat with every model of this installation through one OpenAI-compatible API.",
                "description": AI_DOCUMENT["info"]["description"],
                "tags": ["ai", "chat", "openai"],
                "is_base_path_fixed": True,
            },
        )
        if is_new:
            record_audit(actor=None, verb="api.create", target=api, team=team, after={"slug": SLUG, "kind": api.kind})
            write_plan(api=api, name="Standard", limits=LIMITS, actor=None)
            _publish(ApiVersion.objects.create(api=api, name="v1"))
    return api


def _publish(version: ApiVersion) -> None:
    checked = check_document(json.dumps(AI_DOCUMENT, indent=2))
    revision = Revision.objects.create(
        version=version,
        number=1,
        state=Revision.State.CURRENT,
        document=checked.document,
        source=checked.source,
        source_format=checked.source_format,
        content_hash=checked.content_hash,
        submitted_at=now(),
    )
    for operation in checked.operations:
        operation.revision = revision
    Operation.objects.bulk_create(checked.operations)
    for name in SOLO_PATH:
        move = find_move(name, version.state)
        assert move is not None
        changes = {"published_at": now()} if name == "publish" else {}
        move_version(version=version, move=move, actor=None, changes=changes)
    environment, _ = Environment.objects.get_or_create(slug="production", defaults={"name": "Production"})
    Deployment.objects.create(version=version, environment=environment, revision=revision)
    refresh_entry(version.api)
    version_changed.send(sender=ApiVersion, version=version)
