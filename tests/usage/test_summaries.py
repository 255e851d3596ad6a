import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from apis import ports
from common.errors import Invalid
from usage.selectors import Scope, application_usage, last_used, sight_of, summary, top, version_usage

from .conftest import call_of, finished

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)


def day():
    now = datetime.now(UTC)
    return now - timedelta(hours=24), now + timedelta(minutes=5)


def test_a_versions_usage_has_counts_percentiles_tokens_and_cost(ship, roll_up, call_between, version):
    ship(
        *(finished(call_between(total_ms=10.0, input_tokens=3, output_tokens=1, cost_nano=500)) for _ in range(9)),
        finished(call_between(total_ms=900.0, status=502, fault="upstream", code="upstream-invalid")),
        finished(call_of()),
    )
    roll_up()
    found = version_usage(version, *day())
    numbers = found.totals
    assert (numbers.calls, numbers.errors, numbers.upstream_errors, numbers.tokens) == (10, 1, 1, 36)
    assert numbers.cost_usd == Decimal("0.0000045")
    assert numbers.p50_ms == pytest.approx(10, rel=0.05)
    assert numbers.p99_ms == pytest.approx(900, rel=0.05)
    assert sum(point.numbers.calls for point in found.points) == 10
    assert (found.interval, found.points[-1].is_running) == ("hour", True)


def test_an_hour_without_calls_has_no_latency_and_no_calls(roll_up, version):
    roll_up()
    found = version_usage(version, *day())
    assert {(point.numbers.calls, point.numbers.p95_ms) for point in found.points} == {(0, None)}
    assert found.totals.error_share is None


def test_a_viewer_sees_only_the_calls_of_their_teams(ship, roll_up, call_between, shop, member, stranger, version):
    other = finished(call_between(application_id="app_other", team_id="team_other"))
    ship(finished(call_between()), other)
    roll_up()
    scope = {"version_id": version.public_id}
    calls = {
        name: summary(Scope(**scope, sight=sight_of(person)), *day()).totals.calls
        for name, person in (("buyer", shop.buyer), ("member", member), ("stranger", stranger))
    }
    assert calls == {"buyer": 1, "member": 2, "stranger": 0}


def test_money_is_hidden_as_a_whole_when_part_of_it_is(ship, roll_up, call_between, shop, member, publisher):
    ship(finished(call_between(cost_nano=10**9)))
    roll_up()
    costs = [
        summary(Scope(sight=sight_of(person)), *day()).totals.cost_usd for person in (shop.buyer, publisher, member)
    ]
    assert costs == [1, 1, None]


def test_refusals_of_nobody_known_are_told_to_the_owning_team_only(ship, roll_up, version, shop, member):
    minute = int(time.time() // 60)
    ship({"type": "refused", "minute": minute, "code": "key-missing", "version_id": version.public_id, "count": 4})
    roll_up()
    scope = {"version_id": version.public_id}
    assert summary(Scope(**scope, sight=sight_of(member)), *day()).refused == 4
    assert summary(Scope(**scope, sight=sight_of(shop.buyer)), *day()).refused == 0


def test_the_top_list_names_apis_applications_and_models(ship, roll_up, call_between, shop, owner):
    ship(*(finished(call_between(model="demo/smol")) for _ in range(3)), finished(call_between(model="x/y")))
    roll_up()
    scope = Scope(sight=sight_of(owner))
    assert [(row.name, row.numbers.calls) for row in top(scope, "api", *day())] == [("Orders", 4)]
    assert [row.name for row in top(scope, "application", *day())] == ["Checkout"]
    assert [(row.name, row.numbers.calls) for row in top(scope, "model", *day())] == [("demo/smol", 3), ("x/y", 1)]


def test_an_applications_usage_is_its_own(ship, roll_up, call_between, shop):
    ship(finished(call_between()), finished(call_between(application_id="app_other")))
    roll_up()
    assert application_usage(shop.application, *day()).totals.calls == 1


@pytest.mark.parametrize(
    ("hours", "interval", "pointer"), [(0, "", "/until"), (-1, "", "/until"), (48, "minute", "/interval")]
)
def test_an_impossible_range_is_refused_with_its_field(hours, interval, pointer):
    with pytest.raises(Invalid) as refused:
        summary(Scope(), NOW, NOW + timedelta(hours=hours), interval=interval)
    assert refused.value.errors[0]["pointer"] == pointer


def test_the_lower_app_learns_who_called_a_version(ship, roll_up, call_between, version, shop):
    long_ago = time.time() - 86400 * 9
    ship(finished(call_between()), finished(call_between()), finished(call_between(at=long_ago)))
    ship(finished(call_between(application_id="app_gone", at=long_ago)))
    roll_up()
    shopping, gone = ports.callers_of(version, 30)
    assert (shopping.application_name, shopping.team_name, shopping.contact_email) == (
        "Checkout",
        "Shop",
        "shop@example.com",
    )
    assert (shopping.calls, shopping.calls_7_days) == (3, 2)
    assert (gone.application_name, gone.calls, gone.calls_7_days) == ("A deleted application", 1, 0)
    assert [caller.calls for caller in ports.callers_of(version, 7)] == [2]


def test_a_keys_last_use_is_asked_for_many_at_once(ship, roll_up, django_assert_num_queries):
    ship(finished(call_of(credential_id="key_a")))
    roll_up()
    with django_assert_num_queries(1):
        assert list(last_used(["key_a", "key_never"])) == ["key_a"]


def test_a_summary_takes_as_many_queries_for_a_thousand_rows_as_for_one(
    ship, roll_up, call_between, owner, django_assert_num_queries
):
    for count in (1, 1000):
        ship(*(finished(call_between(operation_id=f"op{n}")) for n in range(count)))
        roll_up()
        with django_assert_num_queries(5):
            summary(Scope(sight=sight_of(owner)), *day())


def test_who_takes_an_api_over_sees_its_earlier_calls_not_their_cost(ship, roll_up, call_between, shop, owner, version):
    from apis.services.transfers import accept_transfer, propose_transfer
    from teams.models import Membership, Team

    ship(finished(call_between(cost_nano=10**9)), finished(call_between(application_id="app_other", team_id="team_x")))
    roll_up()
    third = Team.objects.create(slug="third", name="Third")
    taker = Membership.objects.create(team=third, role="owner", user=shop.buyer.__class__.objects.create_user("t@x.io"))
    accept_transfer(transfer=propose_transfer(subject=version.api, to_team=third, actor=owner), actor=taker.user)
    assert ports.calls_of_api is not None
    assert ports.calls_of_api(version.api, 30) == 2
    sight = sight_of(taker.user)
    seen = summary(Scope(version_id=version.public_id, sight=sight), *day()).totals
    assert (seen.calls, seen.cost_usd) == (2, None)
    call = {"team_id": "team_x", "owner_team_id": "team_y", "application_id": "app_other"}
    assert sight.may_see_call(**call, api_id=version.api.public_id)
    assert not sight.may_see_call(**call, api_id="api_other")
    # What it cost then is still the giving team's to see.
    assert summary(Scope(version_id=version.public_id, sight=sight_of(owner)), *day()).totals.cost_usd == 1
