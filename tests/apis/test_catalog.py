"""What the catalog finds, in which order, and that its entries follow every change."""

import json
from datetime import timedelta

import pytest

from apis.models import Api, CatalogEntry
from apis.selectors import Catalog, CatalogFilters
from apis.services.catalog import rebuild_entries
from apis.services.collections import create_collection, set_favourite, update_collection
from apis.services.contracts import update_api
from apis.services.deprecation import deprecate_version
from apis.services.publishing import publish_version
from apis.services.retirement import restore_version, retire_version
from apis.services.subscriptions import end_subscription, subscribe
from apis.services.versions import create_version
from common.clock import now
from common.errors import NotAllowed, NotFound, Stale
from teams.models import Application
from teams.services.people import update_team
from tests.apis.conftest import DOCUMENT

pytestmark = pytest.mark.django_db


def found(user, words="", **filters):
    apis = Catalog(user, CatalogFilters(words=words, **filters)).entries()
    return [api.name for api in apis.exclude(kind="model")]


@pytest.fixture
def orders(make_api, publisher):
    schemas = {"Invoice": {"type": "object", "properties": {"vatRate": {"type": "number"}}}}
    source = json.dumps({**DOCUMENT, "components": {"schemas": schemas}})
    api = make_api("Orders", source=source, summary="Takes café orders.", tags=["shop"], category="Sales")
    publish_version(version=api.versions.get(), actor=publisher)
    return api


@pytest.mark.parametrize(
    "words",
    ["orders", "ORDER", "ord", "café", "cafe", "shop", "sales", "payments", "createOrder", "create order",
     "/orders/{id}", "invoice", "vatRate", "vat rate", "list orders shop"],
)  # fmt: skip
def test_words_are_found_wherever_they_stand(orders, stranger, words):
    assert found(stranger, words) == ["Orders"]


@pytest.mark.parametrize("words", ["invoices9", "orders zebra", "!!!", "'; drop table", "a:* | b"])
def test_other_words_are_not(orders, stranger, words):
    assert found(stranger, words) == []


def test_the_best_match_comes_first(orders, make_api, publisher, stranger):
    for name, summary in (("Stock", "What orders reserve."), ("Orders archive", "Old ones.")):
        publish_version(version=make_api(name, summary=summary).versions.get(), actor=publisher)
    # The documents of all three speak of orders; a name weighs more than a summary.
    assert found(stranger, "orders") == ["Orders", "Orders archive", "Stock"]


def test_a_slip_of_the_pen_is_answered_with_what_is_near(orders, stranger):
    assert found(stranger, "ordres") == []
    assert [api.name for api in Catalog(stranger, CatalogFilters(words="ordres")).nearest()] == ["Orders"]


def test_what_is_not_served_yet_is_not_found_by_its_operations(draft, publisher, member, stranger):
    assert found(stranger, "orders") == []
    assert found(member, "createOrder", has_drafts=True) == []
    assert found(member, "orders", has_drafts=True) == ["Orders"]
    publish_version(version=draft, actor=publisher)
    assert found(stranger, "createOrder") == ["Orders"]


def test_a_tombstone_is_found_by_its_name_alone_until_it_is_restored(orders, publisher, stranger):
    version = orders.versions.get()
    deprecate_version(version=version, sunset_at=now() + timedelta(days=1), reason="Old.", actor=publisher)
    retire_version(version=version, actor=publisher, override_reason="x", typed_name="orders/v1")
    assert found(stranger, "orders") == ["Orders"]
    assert found(stranger, "createOrder") == []
    restore_version(version=version, actor=publisher)
    assert found(stranger, "createOrder") == ["Orders"]


def test_a_new_name_of_the_team_is_found(orders, team, owner, stranger):
    update_team(team=team, actor=owner, name="Cash desk")
    assert found(stranger, "cash") == ["Orders"]
    assert found(stranger, "payments orders") == ["Orders"]  # its path still says so
    assert Catalog(stranger).facets().categories[0].label == "Sales"


def test_orders_filters_and_stars(orders, make_api, publisher, stranger, application, consumer):
    stock = make_api("Stock")
    publish_version(version=stock.versions.get(), actor=publisher)
    version = stock.versions.get()
    subscription = subscribe(application=application, version=version, plan=stock.plans.get(), actor=consumer)
    assert found(stranger, order="name") == ["Orders", "Stock"]
    assert found(stranger, order="newest") == ["Stock", "Orders"]
    assert found(stranger, order="used") == ["Stock", "Orders"]
    end_subscription(subscription=subscription, actor=consumer)
    assert CatalogEntry.objects.get(api=stock).used_by == 0
    assert found(stranger, category="Sales") == ["Orders"]
    set_favourite(api=stock, user=stranger, is_favourite=True)
    set_favourite(api=stock, user=stranger, is_favourite=True)
    assert found(stranger, is_favourite=True) == ["Stock"]
    assert found(consumer, is_favourite=True) == []
    set_favourite(api=stock, user=stranger, is_favourite=False)
    assert found(stranger, is_favourite=True) == []


def test_entries_that_follow_changes_are_those_made_anew(orders, make_api, publisher, application, consumer, plan):
    create_version(api=orders, actor=publisher)
    subscribe(application=application, version=orders.versions.get(name="v1"), plan=orders.plans.get(), actor=consumer)
    update_api(api=Api.objects.select_related("team").get(pk=orders.pk), actor=publisher, tags=["new"])
    make_api("Stock")
    fields = [field.name for field in CatalogEntry._meta.concrete_fields if field.name != "id"]
    kept = list(CatalogEntry.objects.order_by("api").values(*fields))
    assert rebuild_entries() == Api.objects.count()
    assert list(CatalogEntry.objects.order_by("api").values(*fields)) == kept


@pytest.mark.django_db(transaction=True)
def test_of_two_subscriptions_at_once_none_is_forgotten(orders, consumer, other_team):
    from concurrent.futures import ThreadPoolExecutor

    from django.db import connection

    version, plan = orders.versions.get(), orders.plans.get()
    applications = [Application.objects.create(team=other_team, name=f"A{n}", created_by=consumer) for n in range(6)]

    def one(application):
        subscribe(application=application, version=version, plan=plan, actor=consumer)
        connection.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(one, applications))
    assert CatalogEntry.objects.get(api=orders).used_by == 6


def test_a_collection_shows_each_what_they_may_see(orders, make_api, publisher, member, stranger, team):
    hidden = make_api("Hidden", visibility="team")
    publish_version(version=hidden.versions.get(), actor=publisher)
    made = create_collection(team=team, name="Checkout kit", actor=publisher, apis=[orders, hidden])
    assert found(publisher, collection=made.slug) == ["Hidden", "Orders"]
    assert found(stranger, collection=made.slug) == ["Orders"]
    with pytest.raises(NotAllowed):
        update_collection(
            collection=made, actor=member, row_version=made.row_version, name="x", description="", apis=[]
        )
    with pytest.raises(NotFound):
        create_collection(team=team, name="Mine", actor=stranger)
    with pytest.raises(Stale):
        update_collection(collection=made, actor=publisher, row_version=9, name="x", description="", apis=[])


def test_over_rest(orders, publisher, stranger, member, api_as, team):
    client = api_as(stranger)
    page = client.get("/api/v1/catalog?q=orders&sort=used").json()
    assert (page["count"], page["results"][0]["api"]["name"], page["results"][0]["version"]) == (1, "Orders", "v1")
    assert page["facets"]["categories"] == [{"value": "Sales", "label": "Sales", "count": 1}]
    assert client.get("/api/v1/catalog?q=ordres").json()["nearest"][0]["name"] == "Orders"
    assert client.get("/api/v1/catalog?sort=size").status_code == 422
    assert client.put(f"/api/v1/apis/{orders.public_id}/star").status_code == 204
    assert client.get("/api/v1/catalog?starred=true").json()["count"] == 1
    assert client.delete(f"/api/v1/apis/{orders.public_id}/star").status_code == 204
    made = api_as(publisher).post("/api/v1/collections", {"team": team.slug, "name": "Kit", "apis": [orders.public_id]})
    assert made.status_code == 201
    one = f"/api/v1/collections/{made.json()['id']}"
    assert client.get(one).json()["slug"] == "kit"
    assert api_as(member).put(one, {"name": "x"}, headers={"If-Match": made["ETag"]}).status_code == 403
    changed = api_as(publisher).put(one, {"name": "Set"}, headers={"If-Match": made["ETag"]})
    assert changed.json()["name"] == "Set"
    assert client.get("/api/v1/catalog?collection=kit").json()["count"] == 1
    assert api_as(publisher).delete(one, headers={"If-Match": changed["ETag"]}).status_code == 204
