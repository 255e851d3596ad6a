from datetime import timedelta

import pytest

from apis.models import ApiVersion, Subscription
from apis.ports import Caller
from apis.services.deprecation import deprecate_version
from apis.services.retirement import restore_version, retire_version
from apis.services.subscriptions import end_subscription, subscribe
from common.clock import now
from common.errors import Conflict, Invalid, NotAllowed, NotFound

pytestmark = pytest.mark.django_db


@pytest.fixture
def subscription(published, application, consumer, plan):
    return subscribe(application=application, version=published, plan=plan, actor=consumer)


@pytest.fixture
def deprecated(subscription, published, publisher):
    return deprecate_version(version=published, sunset_at=now() + timedelta(days=1), reason="Old.", actor=publisher)


@pytest.fixture
def past_sunset(deprecated):
    ApiVersion.objects.filter(pk=deprecated.pk).update(
        deprecated_at=now() - timedelta(days=2), sunset_at=now() - timedelta(days=1)
    )
    deprecated.refresh_from_db()
    return deprecated


def call(callers):
    callers.append(Caller("app_x", "Checkout", "Web", "web@example.com", 9, 3, now()))


def test_after_the_sunset_with_no_caller_no_override_is_asked(past_sunset, publisher, subscription, signals):
    version = retire_version(version=past_sunset, actor=publisher)
    assert version.state == "retired"
    subscription.refresh_from_db()
    assert (subscription.state, subscription.ended_at) == ("ended", version.retired_at)
    assert [name for name, _ in signals][-2:] == ["version_changed", "subscription_changed"]


def test_before_the_sunset_a_reason_and_the_typed_name_are_asked(deprecated, publisher):
    with pytest.raises(Invalid) as caught:
        retire_version(version=deprecated, actor=publisher)
    assert [error["pointer"] for error in caught.value.errors] == ["/override_reason", "/typed_name"]
    with pytest.raises(Invalid, match="Type orders/v1"):
        retire_version(version=deprecated, actor=publisher, override_reason="Leak.", typed_name="orders")
    version = retire_version(version=deprecated, actor=publisher, override_reason="Leak.", typed_name="orders/v1")
    assert (version.state, version.retirement_reason) == ("retired", "Leak.")
    assert version.transitions.last().reason.endswith("Leak.")


def test_callers_of_the_last_week_ask_for_the_override_too(past_sunset, publisher, callers):
    call(callers)
    with pytest.raises(Invalid, match="1 application called it in the last 7 days"):
        retire_version(version=past_sunset, actor=publisher)
    assert ApiVersion.objects.get(pk=past_sunset.pk).state == "deprecated"


def test_a_published_version_is_not_retired_directly(published, publisher):
    with pytest.raises(Conflict, match="starts from deprecated"):
        retire_version(version=published, actor=publisher, override_reason="x", typed_name="orders/v1")


def test_restoring_revives_what_the_retirement_ended_and_nothing_else(
    past_sunset, publisher, subscription, make_user, other_team, consumer, plan
):
    ended = Subscription.objects.create(
        application=other_team.applications.create(name="Second", created_by=consumer),
        version=past_sunset,
        plan=plan,
        requested_by=consumer,
    )
    end_subscription(subscription=ended, actor=consumer)
    version = retire_version(version=past_sunset, actor=publisher)
    version = restore_version(version=version, actor=publisher)
    assert (version.state, version.retired_at) == ("deprecated", None)
    subscription.refresh_from_db()
    ended.refresh_from_db()
    assert (subscription.state, subscription.ended_at, ended.state) == ("active", None, "ended")


def test_after_thirty_days_there_is_no_way_back(past_sunset, publisher):
    version = retire_version(version=past_sunset, actor=publisher)
    ApiVersion.objects.filter(pk=version.pk).update(retired_at=now() - timedelta(days=31))
    version.refresh_from_db()
    with pytest.raises(Conflict, match="more than 30 days"):
        restore_version(version=version, actor=publisher)


def test_roles_decide_who_retires(past_sunset, developer, member, stranger):
    for actor, error in ((developer, NotAllowed), (member, NotAllowed), (stranger, NotFound)):
        with pytest.raises(error):
            retire_version(version=past_sunset, actor=actor)
