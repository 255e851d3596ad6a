import csv
import io
from datetime import UTC, datetime

import pytest

from apis.models import Plan, Subscription

from ..conftest import finished

pytestmark = pytest.mark.django_db


@pytest.fixture
def subscription(version, shop):
    plan = Plan.objects.create(api=version.api, slug="free", name="Free")
    return Subscription.objects.create(
        application=shop.application, version=version, plan=plan, requested_by=shop.buyer
    )


@pytest.fixture
def counted(ship, roll_up, call_between, subscription):
    ship(finished(call_between(cost_nano=10**9, input_tokens=4)), finished(call_between(status=502, fault="upstream")))
    roll_up()


def get(client, path, **query):
    return client.get(path, query, headers={"accept": "application/json"})


@pytest.mark.usefixtures("counted")
def test_both_sides_read_a_versions_usage(api_as, version, shop, member):
    for person in (shop.buyer, member):
        body = get(api_as(person), "/api/v1/usage", version=version.public_id).json()
        assert (body["totals"]["calls"], body["totals"]["errors"], body["totals"]["input_tokens"]) == (2, 1, 4)
        assert body["freshness"]["is_late"] is False
        assert sum(point["numbers"]["calls"] for point in body["points"]) == 2


@pytest.mark.usefixtures("counted")
def test_money_needs_the_cost_right(api_as, shop, member, publisher):
    costs = [get(api_as(who), "/api/v1/usage").json()["totals"]["cost_usd"] for who in (shop.buyer, publisher, member)]
    assert costs == ["1.000000000", "1.000000000", None]


@pytest.mark.usefixtures("counted")
@pytest.mark.parametrize("name", ["version", "application", "team"])
def test_a_stranger_gets_404_for_what_is_none_of_theirs_and_nothing_without_a_name(
    api_as, stranger, version, shop, name
):
    ids = {"version": version, "application": shop.application, "team": shop.team}
    client = api_as(stranger)
    assert get(client, "/api/v1/usage", **{name: ids[name].public_id}).status_code == 404
    assert get(client, "/api/v1/usage", **{name: f"{name}_made_up"}).status_code == 404
    assert get(client, "/api/v1/usage").json()["totals"]["calls"] == 0


@pytest.mark.usefixtures("counted")
def test_each_side_reads_the_others_part_only(api_as, shop, owner, version):
    assert get(api_as(owner), "/api/v1/usage", application=shop.application.public_id).json()["totals"]["calls"] == 2
    assert get(api_as(owner), "/api/v1/usage", team=shop.team.public_id).status_code == 404
    assert get(api_as(owner), "/api/v1/usage", team=version.api.team.public_id).json()["totals"]["calls"] == 2


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"since": "yesterday"}, "/since"),
        ({"since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"}, "/until"),
        ({"interval": "week"}, "/interval"),
        ({"interval": "minute", "since": "2026-01-01T00:00:00Z"}, "/interval"),
    ],
)
def test_a_wrong_query_names_its_field(api_as, member, query, pointer):
    answer = get(api_as(member), "/api/v1/usage", **query)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer


@pytest.mark.usefixtures("counted")
def test_usage_as_csv_has_a_row_per_interval(api_as, shop):
    answer = api_as(shop.buyer).get("/api/v1/usage?format=csv")
    assert answer["Content-Type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert len(rows) == 25
    assert sum(int(row["calls"]) for row in rows) == 2


def test_an_error_asked_for_as_csv_is_still_a_problem_document(api_as, member):
    answer = api_as(member).get("/api/v1/usage?format=csv&interval=week")
    assert (answer.status_code, answer["Content-Type"]) == (422, "application/problem+json")
    assert answer.json()["code"] == "validation-failed"


def test_a_call_is_explained_to_its_sides(api_as, ship, call_between, shop, stranger):
    call = call_between(attempt=0, status=429, code="quota-exceeded", fault="policy", verdict="Refused by free@1.")
    ship(finished(call))
    body = get(api_as(shop.buyer), f"/api/v1/calls/{call.id}").json()
    assert (body["verdict"], body["code"], body["status"]) == ("Refused by free@1.", "quota-exceeded", 429)
    refused = get(api_as(stranger), f"/api/v1/calls/{call.id}")
    assert refused.status_code == 404
    assert "not yours" in refused.json()["detail"]


@pytest.mark.usefixtures("counted")
def test_cost_reports_are_listed_filtered_and_read_with_their_lines(api_as, shop):
    client = api_as(shop.buyer)
    [listed] = get(client, "/api/v1/cost-reports", team=shop.team.public_id).json()["results"]
    assert (listed["total_usd"], listed["calls"], listed["team_name"]) == ("1.000000000", 2, "Shop")
    answer = get(client, f"/api/v1/cost-reports/{listed['id']}")
    assert [line["application_name"] for line in answer.json()["lines"]] == ["Checkout"]
    assert answer["ETag"]
    month = datetime.now(UTC).date().replace(day=1)
    assert len(get(client, "/api/v1/cost-reports", month=month).json()["results"]) == 1
    assert get(client, "/api/v1/cost-reports", month="1999-01-01").json()["results"] == []


@pytest.mark.usefixtures("counted")
def test_a_cost_report_as_csv_disarms_formulas(api_as, shop, ship, roll_up, call_between):
    shop.application.name = "=HYPERLINK(1)"
    shop.application.save()
    ship(finished(call_between()))
    roll_up()
    client = api_as(shop.buyer)
    [listed] = get(client, "/api/v1/cost-reports").json()["results"]
    answer = client.get(f"/api/v1/cost-reports/{listed['id']}", headers={"accept": "text/csv"})
    [row] = csv.DictReader(io.StringIO(answer.content.decode()))
    assert (row["application_name"], row["calls"]) == ("'=HYPERLINK(1)", "3")


@pytest.mark.usefixtures("counted")
def test_another_teams_report_is_not_there(api_as, shop, stranger, admin):
    [listed] = get(api_as(shop.buyer), "/api/v1/cost-reports").json()["results"]
    assert get(api_as(stranger), "/api/v1/cost-reports").json()["results"] == []
    assert get(api_as(stranger), f"/api/v1/cost-reports/{listed['id']}").status_code == 404
    assert get(api_as(admin), f"/api/v1/cost-reports/{listed['id']}").status_code == 200


@pytest.mark.parametrize("path", ["usage", "calls/x", "cost-reports", "cost-reports/x"])
def test_nothing_is_read_without_signing_in(api_as, path):
    assert get(api_as(), f"/api/v1/{path}").status_code == 401


@pytest.mark.parametrize("path", ["usage", "calls/x", "cost-reports", "cost-reports/x"])
def test_nothing_can_be_written(api_as, admin, path):
    assert api_as(admin).post(f"/api/v1/{path}", {}).status_code in {403, 405}


@pytest.mark.usefixtures("counted")
def test_what_a_teams_apis_cost_others_is_for_its_publishers(api_as, member, publisher, version):
    for person, cost in ((member, None), (publisher, "1.000000000")):
        client = api_as(person)
        [listed] = get(client, "/api/v1/cost-reports", team=version.api.team.public_id).json()["results"]
        [line] = get(client, f"/api/v1/cost-reports/{listed['id']}").json()["lines"]
        assert (listed["provided_usd"], line["cost_usd"], line["calls"]) == (cost, cost, 2)
