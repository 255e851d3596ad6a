"""The dependency graph's page, and who uses an API in the catalog."""

import csv
import io
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apis.models import Api, ApiVersion, Plan, Subscription
from apis.services.catalog import rebuild_entries
from console.catalog.dependency_drawing import MOST_NODES, clip, draw
from teams.models import Application, Team
from tests.usage.conftest import finished
from usage.selectors import dependencies_for

pytestmark = pytest.mark.django_db


@pytest.fixture
def subscribe(version, shop):
    plan = Plan.objects.create(api=version.api, slug="free", name="Free")

    def make(application=None, to=None):
        return Subscription.objects.create(
            application=application or shop.application, version=to or version, plan=plan, requested_by=shop.buyer
        )

    return make


@pytest.fixture
def foreign(make_user):
    web = Team.objects.create(slug="web", name="Web")
    return Application.objects.create(team=web, name="Site", created_by=make_user("webber", web, "developer"))


@pytest.fixture
def edges(subscribe, foreign, ship, roll_up, call_between, version):
    subscribe()
    subscribe(foreign)
    ship(*(finished(call_between()) for _ in range(12)))
    roll_up()
    rebuild_entries()


def page_of(client, query=""):
    return client.get(f"/catalog/graph{query}").content.decode()


@pytest.mark.usefixtures("edges")
def test_drawing_and_table_tell_the_same(as_user, owner):
    page = page_of(as_user(owner))
    assert "2 applications of 2 teams use 1 API" in page
    assert "1 of 2 subscriptions had no call in 30 days" in page
    drawn = re.findall(r"<title>(\w+) uses Orders v1 \(Published\) under Free: ([^<]+)</title>", page)
    assert drawn == [("Checkout", "12 calls in 30 days"), ("Site", "no call in 30 days")]
    assert page.count("gh-edge-uncalled") == 2  # the edge and the legend
    assert re.findall(r'<td class="gh-number">(\d+)</td>', page) == ["12", "0"]
    assert "style=" not in page.split('<svg class="gh-graph"')[1].split("</main>")[0]


@pytest.mark.usefixtures("edges")
def test_each_sees_own_edges(as_user, shop, stranger, foreign):
    page = page_of(as_user(shop.buyer))
    assert "Checkout" in page
    assert "Site" not in page
    assert f"/applications/{shop.application.public_id}" in page
    assert "nobody uses an API of yours" in page_of(as_user(stranger))
    assert "Site" not in page_of(as_user(shop.buyer), "?api=payments/orders&near=1")


@pytest.mark.usefixtures("edges")
def test_filters_are_kept_in_form_and_links(as_user, owner):
    client = as_user(owner)
    page = page_of(client, "?application=shop/Checkout&called=1&near=1&state=published&team=shop")
    assert 'value="shop/Checkout"' in page
    assert page.count("checked") == 2
    assert '<option value="shop" selected>' in page
    assert 'aria-current="true"><title>Checkout of Shop' in page
    assert "No subscription matches" in page_of(client, "?api=zebra")
    assert "?application=shop%2FCheckout&amp;near=1" in page


@pytest.mark.usefixtures("edges")
def test_a_deprecated_version_marks_its_lines(as_user, owner, version):
    assert "gh-edge-mark" not in page_of(as_user(owner))
    ApiVersion.objects.filter(pk=version.pk).update(state="deprecated")
    page = page_of(as_user(owner))
    assert page.count("gh-edge-mark") == 2
    assert "(Deprecated)" in page


@pytest.mark.usefixtures("edges")
def test_csv_holds_the_filtered_set(as_user, owner):
    answer = as_user(owner).get("/catalog/graph?format=csv&called=1")
    [row] = csv.DictReader(io.StringIO(answer.content.decode()))
    assert (row["application"], row["calls 30 days"], row["api team"]) == ("Checkout", "12", "Payments")


@pytest.mark.usefixtures("edges")
def test_the_table_sorts_by_each_column(as_user, owner):
    client = as_user(owner)
    for column in ("calls", "application", "team", "api", "plan", "state", "last"):
        up, down = page_of(client, f"?sort={column}"), page_of(client, f"?sort=-{column}")
        assert 'aria-sort="ascending"' in up
        assert 'aria-sort="descending"' in down
    rows = re.findall(r'<th scope="row" class="gh-break">(?:<a[^>]*>)?(\w+)', page_of(client, "?sort=last"))
    assert rows == ["Site", "Checkout"]


@pytest.fixture
def many(subscribe, version, shop, owner):
    def make(*indexes):
        for index in range(*indexes):
            app = Application.objects.create(team=shop.team, name=f"App {index}", created_by=shop.buyer)
            subscribe(app)
            if index % 3 == 0:
                api = Api.objects.create(team=version.api.team, slug=f"api-{index}", name=f"API {index}", kind="rest",
                                         base_path=f"/payments/{index}", created_by=owner)  # fmt: skip
                subscribe(app, ApiVersion.objects.create(api=api, name="v1", state="published"))

    return make


def test_sixty_nodes_are_drawn_and_the_rest_told(many, as_user, owner, admin):
    many(90)
    drawing = draw(dependencies_for(admin).order_by("pk"))
    leaves = [node for node in drawing.nodes if not node.url.startswith("?api=")]
    assert len(leaves) == MOST_NODES
    page = page_of(as_user(owner))
    assert re.search(r"Drawn are \d+ of 120 subscriptions", page)
    assert "1–25 of 120" in page
    assert page.count("<") / 2 <= 5000


def test_it_asks_the_same_for_few_and_for_many(many, as_user, owner):
    client = as_user(owner)

    def queries():
        with CaptureQueriesContext(connection) as seen:
            client.get("/catalog/graph?size=100&api=orders&near=1")
        return len(seen)

    many(1)
    queries()
    few = queries()
    many(1, 40)
    assert queries() == few <= 11


@pytest.mark.parametrize("name", ["a" * 120, "مرحبا بالعالم " * 8, "🧭" * 60, "<script>alert(1)</script>"])
def test_any_name_is_clipped_and_told_whole(name, subscribe, foreign, as_user, owner):
    foreign.name = name[:120]
    foreign.save()
    subscribe(foreign)
    page = page_of(as_user(owner))
    assert "<script>alert" not in page
    if "<" not in name:
        assert f"<title>{name[:120]} of Web" in page
        assert "…" in re.search(r'<text x="12" y="20">([^<]+)</text>', page)[1]


def test_wide_signs_take_two_columns():
    assert clip("abcdef", 6) == "abcdef"
    assert clip("abcdefg", 6) == "abcde…"
    assert clip("🧭🧭🧭🧭", 6) == "🧭🧭…"
    assert clip("e\u0301" * 6, 6) == "e\u0301" * 6


@pytest.mark.usefixtures("edges")
def test_the_catalog_says_how_many_use_an_api(as_user, stranger):
    page = as_user(stranger).get("/catalog").content.decode()
    assert "2 applications of 2 teams" in page
    assert "1 called in 30 days" in page


@pytest.mark.usefixtures("edges")
def test_names_of_users_are_for_the_owners_and_their_own_teams(as_user, stranger, owner, shop):
    url = "/catalog/payments/orders/v1"
    told = {who.name: as_user(who).get(url).content.decode() for who in (stranger, owner, shop.buyer)}
    for page in told.values():
        assert "2 applications of 2 teams; 1 called in the last 30 days." in page
    assert "Site" not in told["Stranger"] + told["Buyer"]
    assert "Checkout" not in told["Stranger"]
    assert "Among them yours: Checkout" in told["Buyer"]
    assert "Site" in told["Owner"]
    assert "Checkout" in told["Owner"]


@pytest.mark.usefixtures("edges")
def test_over_rest(api_as, owner, shop, stranger, version):
    rows = api_as(owner).get("/api/v1/dependencies").json()["results"]
    assert [(row["application_name"], row["calls_30d"]) for row in rows] == [("Site", 0), ("Checkout", 12)]
    one = api_as(shop.buyer).get("/api/v1/dependencies?api=payments/orders&called=true").json()["results"][0]
    wanted = {"api": version.api.public_id, "version": "v1", "state": "published", "subscription_state": "active",
              "plan_name": "Free", "team_name": "Shop"}  # fmt: skip
    assert {name: one[name] for name in wanted} == wanted
    assert one["last_call_at"]
    assert api_as(stranger).get("/api/v1/dependencies").json()["results"] == []
    assert api_as(owner).get("/api/v1/dependencies?state=gone").status_code == 422
    assert len(api_as(owner).get("/api/v1/dependencies?page_size=1").json()["results"]) == 1
