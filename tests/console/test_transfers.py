import pytest

from apis.models import Api, Transfer
from apis.services.publishing import publish_version
from apis.services.transfers import accept_transfer, propose_transfer
from teams.models import Application, Team

pytestmark = pytest.mark.django_db
TOKEN = {"form_token": "a" * 24}


@pytest.fixture
def web(db):
    return Team.objects.create(slug="web", name="Web", required_approvals=0)


@pytest.fixture
def taker(make_user, web):
    return make_user("taker", web, "owner")


@pytest.fixture
def published(draft, owner):
    return publish_version(version=draft, actor=owner)


def test_an_offer_is_made_shown_to_both_and_accepted(published, owner, taker, web, as_user, stranger, member):
    giver, there = as_user(owner), as_user(taker)
    page = giver.get("/workspace/payments/orders/settings").content.decode()
    assert "/workspace/payments/orders/transfer" in page
    page = giver.get("/workspace/payments/orders/transfer").content.decode()
    assert "What moves" in page
    assert "/catalog/payments/orders" in page
    sent = giver.post("/workspace/payments/orders/transfer", {**TOKEN, "team": web.pk, "message": "Yours now."})
    assert sent.status_code == 303
    offer = Transfer.objects.get()
    here = f"/transfers/{offer.public_id}"
    assert sent["Location"] == here
    assert giver.get("/workspace/payments/orders/transfer")["Location"] == here
    assert "Withdraw offer" in giver.get(here).content.decode()
    assert here in there.get("/").content.decode()
    page = there.get(here).content.decode()
    assert "Yours now." in page
    assert "Accept transfer" in page
    assert "Withdraw offer" not in page
    assert "Accept transfer" not in as_user(member).get(here).content.decode()
    assert as_user(stranger).get(here).status_code == 404
    assert as_user(stranger).post(here, {**TOKEN}).status_code == 404
    assert giver.post(here, {"form_token": "b" * 24}).status_code == 404
    done = there.post(here, {**TOKEN, "new_name": ""})
    assert (done.status_code, done["Location"]) == (303, "/workspace/web/orders")
    assert there.get("/workspace/web/orders").status_code == 200
    assert "Accepted by Taker" in giver.get(here).content.decode()


def test_members_do_not_see_what_they_can_never_do(published, publisher, as_user):
    client = as_user(publisher)
    assert "/transfer" not in client.get("/workspace/payments/orders/settings").content.decode()
    assert client.get("/workspace/payments/orders/transfer").status_code == 403


@pytest.fixture
def moved(published, owner, taker, web):
    offer = propose_transfer(subject=published.api, to_team=web, actor=owner)
    accept_transfer(transfer=offer, actor=taker, new_name="shop-orders")
    return Api.objects.get(slug="shop-orders")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("/catalog/payments/orders", "/catalog/web/shop-orders"),
        ("/catalog/payments/orders/v1/docs/listOrders?x=1", "/catalog/web/shop-orders/v1/docs/listOrders?x=1"),
        ("/catalog/payments/orders/v1/openapi.json", "/catalog/web/shop-orders/v1/openapi.json"),
    ],
)
def test_old_addresses_redirect_for_ever(moved, owner, as_user, old, new):
    answer = as_user(owner).get(old)
    assert (answer.status_code, answer["Location"]) == (301, new)


def test_the_workspace_leads_those_outside_to_the_catalog(moved, owner, taker, as_user):
    old = "/workspace/payments/orders/v1/revisions"
    assert as_user(owner).get(old)["Location"] == "/catalog/web/shop-orders"
    assert as_user(taker).get(old)["Location"] == "/workspace/web/shop-orders/v1/revisions"
    starred = as_user(owner).post("/catalog/payments/orders/star", {"starred": "1"})
    assert (starred.status_code, starred["Location"]) == (308, "/catalog/web/shop-orders/star")


def test_who_may_not_see_it_learns_nothing_from_the_old_address(moved, stranger, as_user):
    Api.objects.filter(pk=moved.pk).update(visibility="team")
    moved.shares.all().delete()
    assert as_user(stranger).get("/catalog/payments/orders").status_code == 404
    assert as_user().get("/catalog/payments/orders/v1/openapi.json").status_code == 404
    Api.objects.filter(pk=moved.pk).update(visibility="public")
    assert as_user().get("/catalog/payments/orders/v1/openapi.json").status_code == 301


def test_an_offer_is_refused_and_taken_back(published, owner, taker, web, as_user):
    giver, there = as_user(owner), as_user(taker)
    offer = propose_transfer(subject=published.api, to_team=web, actor=owner)
    here = f"/transfers/{offer.public_id}"
    assert giver.post(f"{here}/refuse", {"reason": "x"}).status_code == 404
    assert there.post(f"{here}/refuse", {"reason": ""}).status_code == 422
    assert there.post(f"{here}/refuse", {"reason": "We are full."}).status_code == 302
    assert "We are full." in giver.get(here).content.decode()
    second = propose_transfer(subject=published.api, to_team=web, actor=owner)
    assert there.post(f"/transfers/{second.public_id}/withdraw").status_code == 404
    assert giver.post(f"/transfers/{second.public_id}/withdraw").status_code == 302
    assert list(Transfer.objects.values_list("state", flat=True)) == ["withdrawn", "refused"]


def test_an_application_is_offered_and_taken_over(owner, developer, team, web, taker, as_user):
    app = Application.objects.create(team=team, name="Till", created_by=owner)
    giver, there = as_user(owner), as_user(taker)
    settings = f"/applications/{app.public_id}/settings"
    assert "Transfer application" in giver.get(settings).content.decode()
    assert "Transfer application" not in as_user(developer).get(settings).content.decode()
    assert giver.post(f"/applications/{app.public_id}/transfer", {**TOKEN, "team": ""}).status_code == 422
    assert giver.post(f"/applications/{app.public_id}/transfer", {**TOKEN, "team": web.pk}).status_code == 303
    here = f"/transfers/{Transfer.objects.get().public_id}"
    assert "Accept transfer" in there.get(here).content.decode()
    assert there.post(here, TOKEN)["Location"] == f"/applications/{app.public_id}"
    assert giver.get(settings).status_code == 404


def test_over_rest(published, owner, taker, publisher, stranger, web, api_as, django_assert_max_num_queries):
    api = published.api.public_id
    url = f"/api/v1/apis/{api}/transfers"
    assert api_as(publisher).post(url, {"team": "web"}).status_code == 403
    assert api_as(taker).post(url, {"team": "web"}).status_code == 404
    assert api_as(owner).post(url, {"team": "nobody"}).status_code == 404
    made = api_as(owner).post(url, {"team": "web", "message": "Take it."})
    assert (made.status_code, made.json()["state"], made.json()["to_team"]) == (201, "pending", web.public_id)
    assert api_as(owner).post(url, {"team": "web"}).json()["code"] == "move-not-possible"
    one = f"/api/v1/transfers/{made.json()['id']}"
    with django_assert_max_num_queries(8):
        assert api_as(taker).get("/api/v1/transfers?state=pending").json()["results"][0]["name"] == "Orders"
    assert api_as(stranger).get(one).status_code == 404
    impact = api_as(taker).get(f"{one}/impact").json()
    assert impact["api"]["versions"] == [{"state": "Published", "count": 1}]
    assert impact["application"] is None
    assert api_as(owner).post(f"{one}/accept").status_code == 404
    assert api_as(taker).post(f"{one}/accept").json()["state"] == "accepted"
    assert api_as(taker).get(f"/api/v1/apis/{api}").json()["team"] == web.public_id
    assert api_as(owner).post(f"{one}/withdraw").status_code == 409


def test_the_pages_ask_the_store_a_few_times(published, owner, taker, web, as_user, django_assert_max_num_queries):
    giver, there = as_user(owner), as_user(taker)
    with django_assert_max_num_queries(22):
        giver.get("/workspace/payments/orders/transfer")
    offer = propose_transfer(subject=published.api, to_team=web, actor=owner)
    with django_assert_max_num_queries(22):
        there.get(f"/transfers/{offer.public_id}")
