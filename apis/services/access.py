"""Asking for access to an API, and the answer of its owners."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from apis.models import AccessRequest, Api, ApiVersion, Share
from apis.selectors.access import requestable_apis
from apis.selectors.visibility import NOTHING, is_shared_with
from apis.signals import version_changed
from common.clock import now
from common.errors import Conflict, Invalid, NotFound
from teams.models import Team, User
from teams.roles import people_with, require_permission
from teams.services.audit import record_audit
from teams.services.notices import notify


def ask_for_access(*, api: Api, team: Team, actor: User, message: str = "") -> AccessRequest:
    """Ask the owners of an API to share it with a team; they are told. Raise Conflict when it waits or is shared."""
    require_permission(actor=actor, team=team, permission="applications.manage", what="ask for access")
    if is_shared_with(api, team):
        raise Conflict(f"{api} is shared with {team} already.", code="conflict")
    if not requestable_apis().filter(pk=api.pk).exists():
        raise NotFound(NOTHING)
    request = AccessRequest(api=api, team=team, requested_by=actor, message=message.strip())
    request.full_clean(validate_constraints=False)
    try:
        with transaction.atomic():
            request.save()
            _record(request, "ask", actor)
            notify(
                people=people_with(api.team, "apis.manage"), icon="share",
                title=f"{team} asks for access to {api}", text=request.message or "Without a message.",
                url=f"/workspace/{api.team.slug}/{api.slug}/sharing",
            )  # fmt: skip
    except IntegrityError as error:
        raise Conflict(f"{team} has asked for {api} already; its owners have not answered yet.") from error
    return request


def grant_access(*, request: AccessRequest, actor: User) -> AccessRequest:
    """Share the API with the team that asked: it sees it at once, and its applications may subscribe."""
    api = request.api
    require_permission(actor=actor, team=api.team, permission="apis.manage", what="grant access")
    with transaction.atomic():
        _close(request, AccessRequest.State.GRANTED, actor)
        Share.objects.get_or_create(api=api, team=request.team)
        for version in api.versions.filter(deployments__isnull=False).distinct().order_by("pk"):
            version_changed.send(sender=ApiVersion, version=version)
        _answer(request, "was granted", f"{request.team} sees it in the catalog and may subscribe.")
    return request


def refuse_access(*, request: AccessRequest, actor: User, reason: str) -> AccessRequest:
    """Refuse a request with a reason that its sender reads."""
    require_permission(actor=actor, team=request.api.team, permission="apis.manage", what="refuse access")
    if not reason.strip():
        raise Invalid("Give a reason.", errors=[{"detail": "Give a reason.", "pointer": "/reason"}])
    with transaction.atomic():
        _close(request, AccessRequest.State.REFUSED, actor, reason.strip()[:500])
        _answer(request, "was refused", request.reason)
    return request


def withdraw_access_request(*, request: AccessRequest, actor: User) -> AccessRequest:
    """Take back a request that waits."""
    require_permission(actor=actor, team=request.team, permission="applications.manage", what="withdraw its requests")
    with transaction.atomic():
        _close(request, AccessRequest.State.WITHDRAWN, actor)
    return request


def _close(request: AccessRequest, state: str, actor: User, reason: str = "") -> None:
    rows = AccessRequest.objects.filter(pk=request.pk, state=AccessRequest.State.PENDING)
    changed = rows.update(state=state, decided_by=actor, decided_at=now(), reason=reason)
    request.refresh_from_db()
    if not changed:
        raise Conflict(f"The request is {request.get_state_display().lower()} already.", code="move-not-possible")
    _record(request, {"granted": "grant", "refused": "refuse", "withdrawn": "withdraw"}[state], actor)


def _answer(request: AccessRequest, what: str, text: str) -> None:
    api = request.api
    granted = request.state == AccessRequest.State.GRANTED
    notify(
        people=[request.requested_by], icon="circle-check" if granted else "circle-x",
        title=f"The access of {request.team} to {api} {what}", text=text,
        url=f"/catalog/{api.team.slug}/{api.slug}" if granted else "/catalog",
    )  # fmt: skip


def _record(request: AccessRequest, verb: str, actor: User) -> None:
    after = {"api": request.api.name, "team": request.team.name, "state": request.state}
    for team in (request.api.team, request.team):
        record_audit(actor=actor, verb=f"access.{verb}", target=request, team=team, after=after, reason=request.reason)
