"""Who may see which APIs and versions: everyone, teams it is shared with, the owning team."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from apis.lifecycle import LISTED
from apis.models import Api, ApiVersion, Plan, Revision, Share, Subscription
from common.errors import NotFound
from common.permission_names import TeamPermission
from teams.models import Team, User
from teams.roles import teams_of, teams_with

# Shown to all who sign in; the first also to those who do not.
OPEN = (Api.Visibility.PUBLIC, Api.Visibility.EVERYONE)
NOTHING = "There is nothing here, or it is not shared with you."


def visible_apis(user: User) -> QuerySet[Api]:
    """Return the APIs a person may see: those of own teams in any state, others once they are listed or previewed."""
    apis = Api.objects.select_related("team", "owner")
    if not user.is_authenticated:
        return apis.none()
    if user.sees_everything:
        return apis
    mine = teams_of(user).values("pk")
    is_listed = Exists(ApiVersion.objects.filter(api=OuterRef("pk"), state__in=LISTED))
    is_previewed = Exists(previewed_versions(user).filter(api=OuterRef("pk")))
    return apis.filter(Q(team__in=mine) | (_is_shared("", mine) & is_listed) | is_previewed)


def visible_versions(user: User) -> QuerySet[ApiVersion]:
    """Return the versions a person may see: all of own teams, of others what is listed or previewed for them.

    Somebody who has not signed in sees what is listed of public APIs.
    """
    versions = ApiVersion.objects.select_related("api__team")
    if not user.is_authenticated:
        return versions.filter(api__visibility=Api.Visibility.PUBLIC, state__in=LISTED)
    if user.sees_everything:
        return versions
    return versions.filter(Q(api__team__in=teams_of(user).values("pk")) | listed_for(user))


def listed_for(user: User) -> Q:
    """Say that a version stands in the catalog for a person: it is listed and its API shared, or they preview it."""
    if user.sees_everything:
        return Q(state__in=LISTED)
    mine = teams_of(user).values("pk")
    is_open = Q(api__team__in=mine) | _is_shared("api__", mine)
    return (Q(state__in=LISTED) & is_open) | Q(pk__in=previewed_versions(user).values("pk"))


@dataclass(frozen=True, slots=True)
class Sight:
    """What decides about a person's view, as keys, asked for once where many queries need it.

    `own` are their teams, `reach` those whose shares reach them: their teams and all above; `previews` maps APIs to the
    version in preview that applications of theirs are listed for.
    """

    own: list[int]
    reach: list[int]
    previews: dict[int, int]


def sight_of(user: User, permission: TeamPermission = "team.view") -> Sight:
    """Return what a person sees; own are the teams in which they have the permission. Two queries."""
    own = dict(teams_with(user, permission).values_list("pk", "ancestor_ids"))
    # Few at any time: a preview is for listed applications.
    previews = dict(previewed_versions(user).values_list("api_id", "pk"))
    return Sight(list(own), sorted({*own, *chain.from_iterable(own.values())}), previews)


def previewed_versions(user: User) -> QuerySet[ApiVersion]:
    """Return the versions in preview that applications of a person's teams are listed for."""
    return ApiVersion.objects.filter(state="preview", preview_applications__team__in=teams_of(user).values("pk"))


def _is_shared(prefix: str, mine: QuerySet[Any, Any]) -> Q:
    """Say that an API is shown to everyone, or to one of some teams; `prefix` is the path to the API."""
    shared = shares_for(mine).values("api")
    return Q(**{f"{prefix}visibility__in": OPEN}) | Q(
        **{f"{prefix}visibility": Api.Visibility.SHARED, f"{prefix}pk__in": shared}
    )


def shares_for(teams: QuerySet[Any, Any]) -> QuerySet[Share]:
    """Return the shares that reach teams, given by their keys: what a team is shown those below it are shown too."""
    is_below = Team.objects.filter(pk__in=teams, ancestor_ids__contains=[OuterRef("team_id")])
    return Share.objects.filter(Q(team__in=teams) | Exists(is_below))


def visible_revisions(user: User) -> QuerySet[Revision]:
    """Return the revisions a person may see: all of own teams' APIs, those ever current of others."""
    revisions = Revision.objects.select_related("version__api__team", "author").filter(
        version__in=visible_versions(user).values("pk")
    )
    if not user.is_authenticated or user.sees_everything:
        return revisions
    return revisions.filter(Q(state="current") | Q(version__api__team__in=teams_of(user).values("pk")))


def visible_plans(user: User) -> QuerySet[Plan]:
    """Return the plans of the APIs a person may see; closed ones only to the owning team."""
    plans = Plan.objects.select_related("api__team").filter(api__in=visible_apis(user).values("pk"))
    if not user.is_authenticated or user.sees_everything:
        return plans
    return plans.filter(Q(is_open=True) | Q(api__team__in=teams_of(user).values("pk")))


def visible_subscriptions(user: User) -> QuerySet[Subscription]:
    """Return the subscriptions of a person's applications, and those to APIs of own teams."""
    subscriptions = Subscription.objects.select_related(
        "application__team", "version__api__team", "plan", "wanted_plan", "requested_by", "decided_by"
    )
    if not user.is_authenticated:
        return subscriptions.none()
    if user.sees_everything:
        return subscriptions
    mine = teams_of(user).values("pk")
    return subscriptions.filter(Q(application__team__in=mine) | Q(version__api__team__in=mine))


def api_for(user: User, team_slug: str, api_slug: str) -> Api:
    """Return the API at `{team}/{api}`; raise NotFound when it is not there or not to be known."""
    api = visible_apis(user).filter(team__slug=team_slug, slug=api_slug).first()
    if api is None:
        raise NotFound(NOTHING)
    return api


def version_for(user: User, team_slug: str, api_slug: str, name: str) -> ApiVersion:
    """Return the version at `{team}/{api}/{v1}`; raise NotFound when it is not there or not to be known."""
    version = visible_versions(user).filter(api__team__slug=team_slug, api__slug=api_slug, name=name).first()
    if version is None:
        raise NotFound(NOTHING)
    return version


def is_shared_with(api: Api, team: Team) -> bool:
    """Say whether a team's applications may use an API; the gateway judges by the same rule."""
    if api.team_id == team.pk or api.visibility in OPEN:
        return True
    return api.visibility == Api.Visibility.SHARED and api.shares.filter(team__in=team.lineage).exists()


def require_visible(*, actor: User, api: Api) -> None:
    """Raise NotFound when a person may not see an API."""
    if not visible_apis(actor).filter(pk=api.pk).exists():
        raise NotFound(NOTHING)
