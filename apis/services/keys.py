"""Get a key: application, subscription and key in one transaction."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from apis.models import ApiVersion, Plan, Subscription
from apis.selectors.visibility import NOTHING, is_shared_with, visible_versions
from apis.services.subscriptions import live_subscription, subscribe
from common.errors import Conflict, NotAllowed, NotFound
from teams.models import Application, Credential, Team, User
from teams.roles import require_permission, teams_with
from teams.services.applications import create_application
from teams.services.credentials import issue_credential

FIRST_APPLICATION = "My first application"


@dataclass(frozen=True, slots=True)
class KeyGrant:
    """What one click gave; `key` is the only time the secret is seen."""

    application: Application
    subscription: Subscription
    credential: Credential
    key: str


def get_key(
    *,
    version: ApiVersion,
    actor: User,
    application_name: str = FIRST_APPLICATION,
    team: Team | None = None,
    plan: Plan | None = None,
    accepts_terms: bool = False,
) -> KeyGrant:
    """Give a key for a version: the application of that name is reused or created, subscribed and given a key.

    Without a team the person's first team that may see the API is taken; without a plan the first open one that
    needs no approval. A live subscription is reused as it is.
    """
    if not visible_versions(actor).filter(pk=version.pk).exists():
        raise NotFound(NOTHING)
    team = team or consuming_team(version, actor)
    require_permission(actor=actor, team=team, permission="keys.manage", what="create keys")
    with transaction.atomic():
        application = Application.objects.filter(team=team, name=application_name.strip()).first()
        if application is None:
            application = create_application(team=team, name=application_name.strip(), actor=actor)
        subscription = live_subscription(application, version)
        if subscription is None:
            chosen = plan or free_plan(version)
            subscription = subscribe(
                application=application, version=version, plan=chosen, actor=actor, accepts_terms=accepts_terms
            )
        credential, key = issue_credential(
            application=application, name=f"{version.api.slug} {version.name}"[:120], actor=actor
        )
    return KeyGrant(application, subscription, credential, key)


def consuming_team(version: ApiVersion, actor: User) -> Team:
    """Return the team whose application gets the key: the person's first one that may use the API."""
    teams = list(teams_with(actor, "keys.manage").order_by("name"))
    for team in sorted(teams, key=lambda team: not team.memberships.filter(user=actor).exists()):
        if is_shared_with(version.api, team):
            return team
    raise NotAllowed(
        "You need to be a developer of a team for this: ask an owner of your team for the role.",
        role="developer",
        permission="keys.manage",
    )


def free_plan(version: ApiVersion) -> Plan:
    """Return the first open plan that needs no approval and has no terms; raise Conflict when there is none."""
    plan = version.api.plans.filter(is_open=True, requires_approval=False, terms="").order_by("id").first()
    if plan is None:
        raise Conflict(
            f"Every plan of {version.api.name} needs an approval or has terms: choose one and subscribe.",
            code="plan-closed",
        )
    return plan
