"""Turns what a person asks for by public ids into a scope they may see."""

from __future__ import annotations

from apis.models import ApiVersion, Subscription
from common.errors import NotFound
from teams.models import Application, User
from usage.selectors.values import Scope
from usage.selectors.visibility import Sight, sight_of


def scope_for(user: User, *, version: str = "", application: str = "", team: str = "") -> Scope:
    """Return the scope of the named version, application and team; raise NotFound for one that is none of theirs.

    A version's consumers see their own calls of it, an application's providers its calls of their APIs.
    """
    sight = sight_of(user)
    if version and not _is_version_known(version, sight):
        raise NotFound("There is no such version, or none of your teams provides or uses it.")
    if application and not _is_application_known(application, sight):
        raise NotFound("There is no such application, or none of your teams owns it or serves it.")
    if team and not (sight.is_everything or team in sight.team_ids):
        raise NotFound("There is no such team, or you are not in it.")
    return Scope(version_id=version, application_id=application, team_id=team, sight=sight)


def _is_version_known(public_id: str, sight: Sight) -> bool:
    versions = ApiVersion.objects.filter(public_id=public_id)
    if sight.is_everything:
        return versions.exists()
    return (
        versions.filter(api__team__public_id__in=sight.team_ids).exists()
        or Subscription.objects.filter(
            version__public_id=public_id, application__team__public_id__in=sight.team_ids
        ).exists()
    )


def _is_application_known(public_id: str, sight: Sight) -> bool:
    applications = Application.objects.filter(public_id=public_id)
    if sight.is_everything:
        return applications.exists()
    return (
        applications.filter(team__public_id__in=sight.team_ids).exists()
        or Subscription.objects.filter(
            application__public_id=public_id, version__api__team__public_id__in=sight.team_ids
        ).exists()
    )
