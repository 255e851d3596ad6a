"""Which APIs one may ask for, and the requests one may see."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from apis.models import AccessRequest, Api, Share
from apis.selectors.catalog import search_apis
from apis.selectors.visibility import Sight, sight_of
from teams.models import User
from teams.roles import teams_of, teams_with


def requestable_apis() -> QuerySet[Api]:
    """Return the APIs whose name and summary everybody may see, to ask for the rest."""
    return Api.objects.select_related("team").filter(
        visibility=Api.Visibility.SHARED, is_requestable=True, entry__listed_state__in=["published", "deprecated"]
    )


def askable_for(user: User, words: str = "", sight: Sight | None = None) -> QuerySet[Api]:
    """Return the APIs a person does not see and may ask for; words look at all that is found by."""
    if user.sees_everything:
        return Api.objects.none()
    sight = sight or sight_of(user)
    shared = Share.objects.filter(team__in=sight.reach).values("api")
    seen = Q(team__in=sight.own) | Q(pk__in=shared) | Q(pk__in=list(sight.previews))
    unseen = requestable_apis().exclude(seen)
    return (search_apis(unseen, words) if words else unseen).order_by("name", "pk")


def access_requests_for(user: User) -> QuerySet[AccessRequest]:
    """Return the requests of a person's teams, and those for their teams' APIs."""
    mine = teams_of(user).values("pk")
    rows = AccessRequest.objects.select_related("api__team", "team", "requested_by", "decided_by")
    return rows.filter(Q(team__in=mine) | Q(api__team__in=mine))


def requests_to_answer(user: User) -> QuerySet[AccessRequest]:
    """Return the requests that wait for a person."""
    publishing = teams_with(user, "apis.manage").values("pk")
    return access_requests_for(user).filter(state=AccessRequest.State.PENDING, api__team__in=publishing)
