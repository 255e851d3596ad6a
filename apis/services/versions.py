"""Versions: a new one beside those there are."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from apis.models import Api, ApiVersion, Revision
from apis.selectors.versions import working_copy
from apis.services.catalog import refresh_listing
from apis.services.revisions import copy_revision
from common.errors import Conflict, Invalid
from teams.models import User
from teams.roles import require_permission
from teams.services.audit import record_audit


def create_version(
    *, api: Api, actor: User, name: str | None = None, copy_from: ApiVersion | None = None
) -> ApiVersion:
    """Add a draft version, by default the next number, with a copy of another version's document and routing."""
    require_permission(actor=actor, team=api.team, permission="apis.design", what="make a version")
    if api.kind == Api.Kind.MODEL:
        raise Invalid("The AI endpoints have one version.")
    if copy_from is not None and copy_from.api_id != api.pk:
        raise Invalid(f"{copy_from} is a version of another API.")
    taken = {int(known[1:]) for known in api.versions.values_list("name", flat=True)}
    name = name or f"v{max(taken, default=0) + 1}"
    version = ApiVersion(api=api, name=name)
    version.full_clean(validate_unique=False, validate_constraints=False)
    try:
        with transaction.atomic():
            version.save()
            _first_revision(version, copy_from, actor)
            after = {"name": name, "copied_from": copy_from.name if copy_from else None}
            refresh_listing(api)
            record_audit(actor=actor, verb="version.create", target=version, team=api.team, after=after)
    except IntegrityError as error:
        raise Conflict(f"{api.name} has a {name} already.", code="name-taken") from error
    return version


def _first_revision(version: ApiVersion, copy_from: ApiVersion | None, actor: User) -> Revision:
    original = working_copy(copy_from) if copy_from is not None else None
    if original is None:
        return Revision.objects.create(version=version, number=1, author=actor)
    return copy_revision(revision=original, version=version, author=actor)
