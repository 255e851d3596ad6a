import pytest

from apis.models import AccessRequest
from apis.selectors import visible_apis
from apis.selectors.access import askable_for
from apis.services.access import ask_for_access, grant_access, refuse_access, withdraw_access_request
from apis.services.contracts import update_api
from apis.services.publishing import publish_version
from common.errors import Conflict, Invalid, NotAllowed, NotFound
from teams.models import Event, Notice

pytestmark = pytest.mark.django_db


@pytest.fixture
def shared(published, publisher):
    return update_api(api=published.api, actor=publisher, visibility="shared", is_requestable=True)


def ask(api, team, actor):
    return ask_for_access(api=api, team=team, actor=actor, message="For the checkout.")


def test_access_is_asked_for_granted_and_told(shared, other_team, consumer, publisher, signals):
    assert list(askable_for(consumer)) == [shared]
    request = ask(shared, other_team, consumer)
    assert Notice.objects.get(user=publisher).text == "For the checkout."
    with pytest.raises(Conflict, match="asked for Orders already"):
        ask(shared, other_team, consumer)
    signals.clear()
    grant_access(request=request, actor=publisher)
    assert [name for name, _ in signals] == ["version_changed"]
    assert visible_apis(consumer).filter(pk=shared.pk).exists()
    assert list(askable_for(consumer)) == []
    assert Notice.objects.filter(user=consumer).latest("id").title == "The access of Web to Orders was granted"
    assert Event.objects.filter(type="access.granted").count() == 2
    with pytest.raises(Conflict, match="shared with Web already"):
        ask(shared, other_team, consumer)


def test_a_refusal_gives_a_reason_and_one_may_ask_again(shared, other_team, consumer, publisher, member):
    request = ask(shared, other_team, consumer)
    with pytest.raises(Invalid):
        refuse_access(request=request, actor=publisher, reason=" ")
    with pytest.raises(NotAllowed):
        grant_access(request=request, actor=member)
    refuse_access(request=request, actor=publisher, reason="Not yet.")
    with pytest.raises(Conflict):
        grant_access(request=request, actor=publisher)
    assert not visible_apis(consumer).filter(pk=shared.pk).exists()
    withdraw_access_request(request=ask(shared, other_team, consumer), actor=consumer)
    assert list(AccessRequest.objects.values_list("state", flat=True)) == ["withdrawn", "refused"]


@pytest.mark.parametrize("change", [{"visibility": "team"}, {"is_requestable": False}])
def test_what_is_kept_to_oneself_is_not_known(published, publisher, consumer, other_team, change):
    api = update_api(api=published.api, actor=publisher, **({"visibility": "shared", "is_requestable": True} | change))
    assert list(askable_for(consumer)) == []
    with pytest.raises(NotFound):
        ask(api, other_team, consumer)


def test_a_stranger_asks_for_no_team_of_others(shared, other_team, stranger):
    with pytest.raises(NotFound):
        ask(shared, other_team, stranger)


def test_over_rest(shared, other_team, consumer, publisher, stranger, api_as):
    theirs, mine = api_as(consumer), api_as(publisher)
    (known,) = theirs.get("/api/v1/askable-apis").json()["results"]
    assert known == {"id": shared.public_id, "name": "Orders", "summary": shared.summary, "team": "Payments"}
    made = theirs.post("/api/v1/access-requests", {"api": known["id"], "team": "web"})
    assert made.status_code == 201
    one = f"/api/v1/access-requests/{made.json()['id']}"
    assert api_as(stranger).get(one).status_code == 404
    assert theirs.post(f"{one}/grant").status_code == 404
    assert mine.post(f"{one}/refuse", {}).status_code == 422
    assert mine.post(f"{one}/grant").json()["state"] == "granted"
    assert mine.get("/api/v1/access-requests?state=pending").json()["results"] == []


def test_the_pages(shared, other_team, consumer, publisher, stranger, as_user):
    theirs, mine = as_user(consumer), as_user(publisher)
    assert "You may ask for" in theirs.get("/catalog").content.decode()
    ask_page = "/catalog/payments/orders/ask"
    assert theirs.get("/catalog/payments/orders").status_code == 404
    assert theirs.get(ask_page).status_code == 200
    sent = theirs.post(ask_page, {"team": other_team.pk, "message": "Please.", "form_token": "a" * 24})
    assert sent.status_code == 303
    request = AccessRequest.objects.get()
    sharing = "/workspace/payments/orders/sharing"
    assert "Please." in mine.get(sharing).content.decode()
    assert "Web asks for access to Orders" in mine.get("/").content.decode()
    assert theirs.post(f"{sharing}/requests/{request.public_id}", {"answer": "grant"}).status_code == 404
    assert mine.post(f"{sharing}/requests/{request.public_id}", {"answer": "grant"}).status_code == 302
    assert theirs.get("/catalog/payments/orders").status_code == 200


def test_nothing_is_published_without_an_owner_and_an_on_call(draft, publisher, member, developer, owner):
    api = draft.api
    assert (api.owner, api.on_call) == (publisher, publisher.email)
    update_api(api=api, actor=publisher, on_call=" ")
    with pytest.raises(Conflict, match="Nobody is on call for Orders"):
        publish_version(version=draft, actor=publisher)
    with pytest.raises(Invalid, match="must be a developer of Payments"):
        update_api(api=api, actor=publisher, owner=member)
    update_api(api=api, actor=publisher, owner=developer, on_call="#payments")
    developer.memberships.all().delete()
    draft.refresh_from_db()
    with pytest.raises(Conflict, match="No owner answers for Orders"):
        publish_version(version=draft, actor=publisher)
    update_api(api=api, actor=publisher, owner=publisher)
    draft.refresh_from_db()
    assert publish_version(version=draft, actor=publisher).state == "published"
