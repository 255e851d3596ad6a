"""Environments beside production: each has its own pointer to a revision, and may have its own upstream."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from apis.lifecycle import DEPLOYABLE
from apis.models import Api, ApiVersion, Deployment, Environment, Revision
from apis.services.documents import check_routing
from apis.services.moves import lock_version
from apis.signals import version_changed
from common.clock import now
from common.errors import Conflict, Invalid, NotAllowed
from common.identifiers import validate_slug
from teams.models import User
from teams.roles import require_permission
from teams.services.audit import record_audit

PRODUCTION = "production"
# A revision in one of these is frozen: what was deployed stays what it was.
FROZEN = ("in_review", "approved", "current", "superseded")


def create_environment(*, slug: str, name: str, actor: User) -> Environment:
    """Add an environment to the installation, such as staging; a key belongs to one."""
    if not actor.is_platform_admin:
        raise NotAllowed("Only a platform admin may add environments.")
    validate_slug(slug)
    try:
        with transaction.atomic():
            environment = Environment.objects.create(slug=slug, name=name.strip() or slug.capitalize())
            record_audit(actor=actor, verb="environment.create", target=environment, team=None, after={"slug": slug})
    except IntegrityError as error:
        raise Conflict(f"There is an environment called {slug} already.", code="name-taken") from error
    return environment


def promote_revision(
    *, revision: Revision, environment: Environment, actor: User, upstream_url: str = ""
) -> Deployment:
    """Point an environment at a frozen revision: keys of that environment reach it at once.

    Of a version that is not published yet, those are the keys of its own team. Production has its own way, the
    publication or a release through the diff gate.
    """
    version = revision.version
    require_permission(actor=actor, team=version.api.team, permission="apis.publish", what="promote revisions")
    if environment.slug == PRODUCTION:
        raise Invalid("Production is reached by a release, through the diff gate.")
    _require_deployable(version)
    if revision.state not in FROZEN:
        state = revision.get_state_display().lower()
        detail = f"Revision {revision.number} is {state}: send it for review first, so that it stays what it is."
        raise Conflict(detail, code="move-not-possible")
    if upstream_url:
        check_routing({"upstream_url": upstream_url})
    with transaction.atomic():
        _require_deployable(lock_version(version))
        before = version.deployments.filter(environment=environment).select_related("revision").first()
        deployment, _ = Deployment.objects.update_or_create(
            version=version,
            environment=environment,
            defaults={
                "revision": revision, "upstream_url": upstream_url.strip(), "deployed_at": now(), "deployed_by": actor,
            },
        )  # fmt: skip
        record_audit(
            actor=actor, verb="revision.promote", target=revision, team=version.api.team,
            before={"revision": before.revision.number if before else None},
            after={"revision": revision.number, "environment": environment.slug, "version": str(version)},
        )  # fmt: skip
        version_changed.send(sender=ApiVersion, version=version)
    return deployment


def _require_deployable(version: ApiVersion) -> None:
    if version.state not in DEPLOYABLE:
        state = version.get_state_display().lower()
        raise Conflict(f"{version} is {state}: it is not deployed any more.", code="move-not-possible")
    if version.api.kind != Api.Kind.REST:
        detail = f"{version.api} has no server of its own: only a REST API is deployed."
        raise Conflict(detail, code="move-not-possible")


def undeploy(*, deployment: Deployment, actor: User) -> None:
    """Take a version out of an environment: its keys are refused from then on."""
    version = deployment.version
    require_permission(
        actor=actor, team=version.api.team, permission="apis.publish", what="take a version out of an environment"
    )
    if deployment.environment.slug == PRODUCTION:
        raise Invalid("Production is left by retiring the version.")
    with transaction.atomic():
        lock_version(version)
        record_audit(
            actor=actor, verb="revision.undeploy", target=deployment.revision, team=version.api.team,
            before={"environment": deployment.environment.slug, "revision": deployment.revision.number},
        )  # fmt: skip
        deployment.delete()
        version_changed.send(sender=ApiVersion, version=version)
