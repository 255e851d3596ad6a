from datetime import timedelta

import pytest

from apis.models import ApiVersion
from apis.services.deprecation import deprecate_version, undo_deprecation
from apis.services.publishing import publish_version
from apis.services.versions import create_version
from common.clock import now
from common.errors import Conflict, Invalid, NotAllowed, NotFound

pytestmark = pytest.mark.django_db


def deprecate(version, actor, **fields):
    return deprecate_version(
        **{"version": version, "sunset_at": now() + timedelta(days=40), "reason": "Old.", "actor": actor} | fields
    )


def test_deprecating_sets_the_dates_and_tells_the_gateway(published, publisher, signals):
    version = deprecate(published, publisher)
    assert (version.state, version.deprecation_reason) == ("deprecated", "Old.")
    assert version.deprecated_at < version.sunset_at
    assert signals == [("version_changed", version)]


def test_a_successor_stands_for_the_reason(published, publisher):
    second = create_version(api=published.api, copy_from=published, actor=publisher)
    with pytest.raises(Invalid, match="another published version"):
        deprecate(published, publisher, reason="", successor=second)
    publish_version(version=second, actor=publisher)
    assert deprecate(published, publisher, reason="", successor=second).successor == second


def test_a_version_is_not_its_own_successor(published, publisher):
    with pytest.raises(Invalid):
        deprecate(published, publisher, successor=published)


def test_neither_reason_nor_successor_is_refused(published, publisher):
    with pytest.raises(Invalid) as caught:
        deprecate(published, publisher, reason=" ")
    assert caught.value.errors[0]["pointer"] == "/reason"


def test_the_minimum_notice_of_the_team_is_kept(published, team, publisher):
    team.minimum_notice_days = 30
    team.save()
    version = ApiVersion.objects.select_related("api__team").get(pk=published.pk)
    with pytest.raises(Invalid, match="30 days' notice of Payments"):
        deprecate(version, publisher, sunset_at=now() + timedelta(days=29))
    assert deprecate(version, publisher, sunset_at=now() + timedelta(days=30, minutes=1)).state == "deprecated"


def test_a_sunset_before_the_deprecation_is_refused(published, publisher):
    with pytest.raises(Invalid, match="before the deprecation"):
        deprecate(published, publisher, sunset_at=now() - timedelta(minutes=1))


def test_undo_takes_everything_back_until_the_sunset(published, publisher):
    version = undo_deprecation(version=deprecate(published, publisher), actor=publisher)
    assert (version.state, version.sunset_at, version.deprecated_at, version.deprecation_reason) == (
        "published",
        None,
        None,
        "",
    )
    deprecate(version, publisher)
    ApiVersion.objects.filter(pk=version.pk).update(
        deprecated_at=now() - timedelta(days=9), sunset_at=now() - timedelta(days=1)
    )
    version.refresh_from_db()
    with pytest.raises(Conflict, match="has passed"):
        undo_deprecation(version=version, actor=publisher)


def test_only_a_published_version_is_deprecated(draft, publisher):
    with pytest.raises(Conflict, match="this move starts from published"):
        deprecate(draft, publisher)


def test_roles_decide_who_deprecates(published, developer, member, stranger):
    for actor, error in ((developer, NotAllowed), (member, NotAllowed), (stranger, NotFound)):
        with pytest.raises(error):
            deprecate(published, actor)
