"""Which application uses which API, for whom, and how often."""

from datetime import timedelta

import pytest

from apis.models import Api, ApiVersion, Plan, Subscription
from common.clock import now
from teams.models import Application, Membership, Team
from usage.models import UsageDay, VersionUse
from usage.selectors import DependencyFilters, caller_counts, dependencies_for
from usage.tasks import recount_version_uses

from .conftest import finished

pytestmark = pytest.mark.django_db


@pytest.fixture
def subscribe(shop):
    def make(version, application=None, **fields):
        plan, _ = Plan.objects.get_or_create(api=version.api, slug="free", defaults={"name": "Free"})
        return Subscription.objects.create(
            application=application or shop.application, version=version, plan=plan, requested_by=shop.buyer, **fields
        )

    return make


@pytest.fixture
def second(version, shop, make_user, owner):
    """Another API of the provider, and an application of a third team."""
    stock = Api.objects.create(
        team=version.api.team, slug="stock", name="Stock", kind="rest", base_path="/payments/stock", created_by=owner
    )
    web = Team.objects.create(slug="web", name="Web")
    return (
        ApiVersion.objects.create(api=stock, name="v1", state="deprecated"),
        Application.objects.create(team=web, name="Site", created_by=make_user("webber", web, "developer")),
    )


def pairs(user, **filters):
    rows = dependencies_for(user, DependencyFilters(**filters))
    return sorted((row.application.name, row.version.api.name, row.calls_30_days) for row in rows)


@pytest.fixture
def edges(subscribe, version, shop, second, ship, roll_up, call_between):
    stock, site = second
    subscribe(version)
    subscribe(stock)
    subscribe(version, site)
    ship(*(finished(call_between()) for _ in range(3)), finished(call_between(application_id=site.public_id)))
    roll_up()


ALL = [("Checkout", "Orders", 3), ("Checkout", "Stock", 0), ("Site", "Orders", 1)]


@pytest.mark.usefixtures("edges")
def test_each_sees_the_edges_of_own_applications_and_own_apis(member, stranger, shop, second, admin, make_user):
    assert pairs(member) == pairs(admin) == pairs(make_user("auditor", is_auditor=True)) == ALL
    assert pairs(shop.buyer) == ALL[:2]
    assert pairs(second[1].created_by) == ALL[2:]
    assert pairs(stranger) == []


@pytest.mark.usefixtures("edges")
@pytest.mark.parametrize(
    ("filters", "wanted"),
    [
        ({"team": "web"}, ALL[2:]),
        ({"team": "payments"}, ALL),
        ({"api": "payments/stock"}, ALL[1:2]),
        ({"api": "ord"}, [ALL[0], ALL[2]]),
        ({"application": "shop/Checkout"}, ALL[:2]),
        ({"application": "sit"}, ALL[2:]),
        ({"state": "deprecated"}, ALL[1:2]),
        ({"is_called": True}, [ALL[0], ALL[2]]),
        ({"api": "payments/stock", "has_neighbours": True}, ALL[:2]),
        ({"application": "web/Site", "has_neighbours": True}, [ALL[0], ALL[2]]),
        ({"api": "zebra", "has_neighbours": True}, []),
    ],
)
def test_filters_and_neighbours(admin, filters, wanted):
    assert pairs(admin, **filters) == wanted


@pytest.mark.usefixtures("edges")
def test_neighbours_stay_within_what_one_may_see(shop):
    assert pairs(shop.buyer, api="payments/orders", has_neighbours=True) == ALL[:2]


@pytest.mark.usefixtures("edges")
def test_what_is_over_is_no_edge_but_a_retired_version_that_is_still_called(member, version, shop):
    mine = Subscription.objects.filter(application=shop.application, version=version)
    mine.update(state="ended", reason="Not needed.")
    assert pairs(member) == ALL[1:]
    ApiVersion.objects.filter(pk=version.pk).update(state="retired")
    mine.update(reason="The version was retired.")
    assert pairs(member) == ALL
    VersionUse.objects.all().delete()
    assert pairs(member) == [("Checkout", "Stock", 0), ("Site", "Orders", 0)]


@pytest.mark.usefixtures("edges")
def test_applications_that_called_are_counted_once_per_api(version, second, ship, roll_up, call_between):
    assert caller_counts([version.api_id, second[0].api_id]) == {version.api_id: 2}
    two = ApiVersion.objects.create(api=version.api, name="v2", state="published")
    ship(finished(call_between(version_id=two.public_id)), finished(call_between(application_id="app_unknown")))
    roll_up()
    assert caller_counts([version.api_id]) == {version.api_id: 2}


@pytest.mark.usefixtures("edges")
def test_calls_of_more_than_thirty_days_ago_leave_the_sum(version, shop):
    use = VersionUse.objects.get(version=version, application=shop.application)
    assert use.last_at <= now()
    UsageDay.objects.filter(application_id=shop.application.public_id).update(start_at=now() - timedelta(days=32))
    assert recount_version_uses() == 1
    assert not VersionUse.objects.filter(pk=use.pk).exists()
    assert caller_counts([version.api_id]) == {version.api_id: 1}


@pytest.mark.usefixtures("edges")
def test_a_viewer_of_the_owning_team_is_enough(stranger, team):
    Membership.objects.create(user=stranger, team=team, role="viewer")
    assert pairs(stranger) == ALL
