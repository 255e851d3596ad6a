"""Kind Webhook: an address of a team that is told of events. Its signing secret is made and kept by Gatehouse."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from manifests.kinds.kind import Kind, Step, own_team
from manifests.schema import TEXT, TRUTH, WORDS
from teams.models import Team, User, Webhook
from teams.selectors import webhooks_for
from teams.services.webhooks import create_webhook, delete_webhook, update_webhook


class WebhookKind(Kind[Webhook]):
    """A webhook, named by its address; only owners see those of a team."""

    name = "Webhook"
    identity = ("team", "url")
    permission = "team.manage"
    properties = {"description": TEXT, "event_types": WORDS, "is_active": TRUTH}
    removal = "delete"

    def find(self, metadata: Mapping[str, Any], actor: User) -> Webhook | None:
        """Return the team's oldest webhook to that address."""
        own_team(actor, metadata["team"])
        rows = webhooks_for(actor).filter(team__slug=metadata["team"], url=metadata["url"])
        return rows.order_by("id").first()

    def rows(self, team: Team | None, actor: User) -> Iterable[Webhook]:
        """Return a team's webhooks, one for each address."""
        return webhooks_for(actor).filter(team=team).order_by("url", "id").distinct("url") if team else []

    def identify(self, row: Webhook) -> dict[str, Any]:
        """Name it by team and address."""
        return {"team": row.team.slug, "url": row.url}

    def read(self, row: Webhook) -> dict[str, Any]:
        """Return what it is told of."""
        return {"description": row.description, "event_types": row.event_types, "is_active": row.is_active}

    def create(self, metadata: Mapping[str, Any], spec: dict[str, Any], step: Step) -> None:
        """Add it."""
        webhook, _ = create_webhook(
            team=own_team(step.actor, metadata["team"]), url=metadata["url"], actor=step.actor,
            description=spec.get("description", ""), event_types=spec.get("event_types", ()),
        )  # fmt: skip
        step.notes.append("Its signing secret is in nobody's log: make one that you see on the webhook's page.")
        if spec.get("is_active") is False:
            self.update(webhook, spec, ("is_active",), step)

    def update(self, row: Webhook, spec: dict[str, Any], changed: Collection[str], step: Step) -> None:
        """Change it; set active again it goes on with what happens from now on."""
        wanted = {**self.read(row), **{name: spec[name] for name in changed}}
        update_webhook(webhook=row, actor=step.actor, row_version=row.row_version, url=row.url, **wanted)

    def remove(self, row: Webhook, step: Step) -> None:
        """Delete it with its delivery log."""
        delete_webhook(webhook=row, actor=step.actor)

    def file(self, metadata: Mapping[str, Any]) -> str:
        """Keep a team's webhooks together."""
        return f"{metadata['team']}/webhooks.yaml"

    def url(self, row: Webhook) -> str:
        """Return the webhook's page."""
        return f"/teams/{row.team.slug}/webhooks/{row.public_id}"
