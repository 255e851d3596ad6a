from datetime import timedelta

import pytest

from apis.models import AccessRequest, Api, CatalogEntry, FormerAddress, PlannedMove, Share, Subscription, Transfer
from apis.selectors.transfers import api_cargo, application_cargo, moved_api, transfers_for, transfers_to_answer
from apis.services.access import ask_for_access
from apis.services.contracts import create_api, update_api
from apis.services.reviews import review_revision, submit_for_review
from apis.services.subscriptions import subscribe
from apis.services.transfers import (
    accept_transfer,
    lapse_transfers,
    propose_transfer,
    refuse_transfer,
    withdraw_transfer,
)
from common.clock import now
from common.errors import Conflict, Invalid, NotAllowed, NotFound
from gateway.control.models import Change
from teams.models import Application, AuditEvent, Event, Membership, Notice
from teams.services.credentials import issue_credential
from tests.apis.races import DONE, at_once

pytestmark = pytest.mark.django_db


@pytest.fixture
def taker(make_user, other_team):
    """An owner of the team that is to have it."""
    return make_user("taker", other_team, "owner")


@pytest.fixture
def offer(published, other_team, owner, taker):
    return propose_transfer(subject=published.api, to_team=other_team, actor=owner, message="You use it most.")


def route(version):
    return Change.objects.filter(kind="route", key=version.public_id).latest("id").payload


def test_an_api_moves_once_the_other_team_accepts(offer, published, team, other_team, owner, taker):
    api = published.api
    api.refresh_from_db()
    assert (offer.state, api.team) == ("pending", team)
    assert "You use it most." in Notice.objects.get(user=taker).text
    assert list(transfers_to_answer(taker)) == [offer]
    assert list(transfers_to_answer(owner)) == []
    before = api.base_path, api.public_id, published.public_id
    accept_transfer(transfer=offer, actor=taker)
    api = Api.objects.get(kind="rest")
    assert (api.team, api.owner, api.on_call) == (other_team, taker, taker.email)
    assert (api.base_path, api.public_id, api.versions.get().public_id) == before
    assert CatalogEntry.objects.get(api=api).team == other_team
    assert set(Event.objects.filter(type="api.transferred").values_list("team__slug", flat=True)) == {"payments", "web"}
    assert AuditEvent.objects.filter(verb="api.transfer", team=team).get().after["team"] == "Web"
    assert "was accepted" in Notice.objects.filter(user=owner).latest("id").title
    with pytest.raises(Conflict, match="accepted already"):
        withdraw_transfer(transfer=offer, actor=owner)


def test_the_gateway_learns_the_new_owner_in_the_same_transaction(offer, published, taker, other_team):
    accept_transfer(transfer=offer, actor=taker)
    told = route(published)
    assert told["owner_team_id"] == other_team.public_id
    assert told["base_path"] == "/payments/orders"
    assert "/catalog/web/orders/v1" in told["docs_url"]


def test_who_may_offer_and_who_may_answer(
    published, other_team, owner, publisher, member, stranger, taker, consumer, offer
):
    withdraw_transfer(transfer=offer, actor=owner)
    for person, error in ((publisher, NotAllowed), (member, NotAllowed), (stranger, NotFound), (taker, NotFound)):
        with pytest.raises(error):
            propose_transfer(subject=published.api, to_team=other_team, actor=person)
    again = propose_transfer(subject=published.api, to_team=other_team, actor=owner)
    for person, error in ((consumer, NotAllowed), (owner, NotFound), (stranger, NotFound)):
        with pytest.raises(error):
            accept_transfer(transfer=again, actor=person)
        with pytest.raises(error):
            refuse_transfer(transfer=again, actor=person, reason="No.")
    for person, error in ((publisher, NotAllowed), (taker, NotFound), (stranger, NotFound)):
        with pytest.raises(error):
            withdraw_transfer(transfer=again, actor=person)
    assert list(transfers_for(stranger)) == []
    assert list(transfers_for(member)) == list(transfers_for(consumer)) == [again, offer]


def test_who_owns_both_teams_moves_it_at_once(published, other_team, owner, admin, team):
    Membership.objects.create(user=owner, team=other_team, role="owner")
    moved = propose_transfer(subject=published.api, to_team=other_team, actor=owner)
    assert (moved.state, Api.objects.get(kind="rest").team, Api.objects.get(kind="rest").owner) == (
        "accepted",
        other_team,
        owner,
    )
    back = propose_transfer(subject=Api.objects.get(kind="rest"), to_team=team, actor=admin)
    assert (back.state, Api.objects.get(kind="rest").team) == ("accepted", team)
    # It is home again: the address is its own, and no former one.
    assert [str(row) for row in FormerAddress.objects.all()] == ["web/orders"]


def test_an_offer_is_made_once_and_refused_with_a_reason(offer, published, other_team, owner, taker):
    with pytest.raises(Conflict, match="offered to a team already"):
        propose_transfer(subject=published.api, to_team=other_team, actor=owner)
    with pytest.raises(Invalid):
        refuse_transfer(transfer=offer, actor=taker, reason=" ")
    refuse_transfer(transfer=offer, actor=taker, reason="We are full.")
    assert Notice.objects.filter(user=owner).latest("id").text == "We are full."
    with pytest.raises(Invalid, match="is Payments's already"):
        propose_transfer(subject=published.api, to_team=published.api.team, actor=owner)


def test_an_offer_lapses_after_two_weeks(offer, owner, taker):
    Transfer.objects.update(expires_at=now() - timedelta(seconds=1))
    with pytest.raises(Conflict, match="has expired"):
        accept_transfer(transfer=offer, actor=taker)
    assert lapse_transfers() == 1
    assert lapse_transfers() == 0
    offer.refresh_from_db()
    assert offer.state == "expired"
    assert "was not answered" in Notice.objects.filter(user=owner).latest("id").title
    assert Event.objects.filter(type="transfer.lapsed").count() == 2


def test_the_old_address_leads_to_the_new_one_for_ever(offer, published, publisher, team, taker, stranger):
    accept_transfer(transfer=offer, actor=taker, new_name="shop-orders")
    api = Api.objects.get(kind="rest")
    assert api.slug == "shop-orders"
    assert moved_api(stranger, "payments", "orders") == api
    # Nobody takes the old address: a proposed slug goes round it, a wanted one is refused.
    assert create_api(team=team, kind="rest", name="Orders", actor=publisher, base_path="/new").slug == "orders-2"
    with pytest.raises(Conflict, match="had an API called orders that moved"):
        create_api(team=team, kind="rest", name="Orders", slug="orders", actor=publisher, base_path="/newer")
    update_api(api=api, actor=taker, visibility="team")
    assert moved_api(stranger, "payments", "orders") is None


def test_a_taken_slug_asks_for_another(offer, other_team, taker):
    create_api(team=other_team, kind="rest", name="Orders", actor=taker)
    with pytest.raises(Conflict, match="web/orders is taken"):
        accept_transfer(transfer=offer, actor=taker)
    assert offer.state == "pending"
    with pytest.raises(Invalid, match="is no slug"):
        accept_transfer(transfer=offer, actor=taker, new_name="No Slug")
    assert Transfer.objects.get().state == "pending"
    accept_transfer(transfer=offer, actor=taker, new_name="payment-orders")
    assert offer.api.slug == "payment-orders"


def test_the_giving_teams_applications_call_on(published, publisher, owner, other_team, team, developer, taker):
    update_api(api=published.api, actor=publisher, visibility="team")
    own = Application.objects.create(team=team, name="Till", created_by=developer)
    subscription = subscribe(application=own, version=published, plan=published.api.plans.get(), actor=developer)
    offer = propose_transfer(subject=Api.objects.get(kind="rest"), to_team=other_team, actor=owner)
    accept_transfer(transfer=offer, actor=taker)
    api = Api.objects.get(kind="rest")
    assert api.visibility == "shared"
    assert Share.objects.get(api=api).team == team
    assert set(route(published)["team_ids"]) == {team.public_id, other_team.public_id}
    subscription.refresh_from_db()
    assert subscription.state == "active"


def test_what_waits_goes_on_under_the_new_owners(
    draft, team, other_team, owner, publisher, developer, taker, make_user
):
    team.required_approvals = 2
    team.save()
    other_team.required_approvals = 1
    other_team.save()
    submit_for_review(version=draft, actor=developer)
    revision = draft.revisions.get()
    review_revision(revision=revision, verdict="approved", actor=owner)
    update_api(api=draft.api, actor=publisher, visibility="shared")
    planned = PlannedMove.objects.create(
        version=draft, name="publish", at=now() + timedelta(days=1), planned_by=publisher
    )
    offer = propose_transfer(subject=Api.objects.get(kind="rest"), to_team=other_team, actor=owner)
    accept_transfer(transfer=offer, actor=taker)
    planned.refresh_from_db()
    assert planned.planned_by == taker
    revision.version.api.refresh_from_db()
    # One approval is enough there, and the one that another team gave does not count.
    revision.refresh_from_db()
    assert revision.state == "in_review"
    second = make_user("second", other_team, "publisher")
    review_revision(revision=revision, verdict="approved", actor=second)
    revision.refresh_from_db()
    assert revision.state == "approved"


def test_a_wish_of_the_new_owners_to_see_it_is_fulfilled(published, publisher, other_team, consumer, owner, taker):
    update_api(api=published.api, actor=publisher, visibility="shared", is_requestable=True)
    ask_for_access(api=published.api, team=other_team, actor=consumer)
    assert api_cargo(published.api).requests == 1
    accept_transfer(transfer=propose_transfer(subject=published.api, to_team=other_team, actor=owner), actor=taker)
    assert AccessRequest.objects.get().state == "granted"


def test_who_uses_it_is_told(published, plan, application, consumer, make_user, owner, admin):
    from teams.models import Team

    third = Team.objects.create(slug="third", name="Third")
    taker = make_user("third", third, "owner")
    subscribe(application=application, version=published, plan=plan, actor=consumer)
    offer = propose_transfer(subject=published.api, to_team=third, actor=owner)
    cargo = api_cargo(published.api)
    assert (cargo.applications, cargo.teams, cargo.plans, cargo.versions) == (1, 1, 1, (("Published", 1),))
    accept_transfer(transfer=offer, actor=taker)
    assert Notice.objects.get(user=consumer).title == "Orders belongs to Third now"
    assert Event.objects.filter(type="api.transferred", team__slug="web").count() == 1


@pytest.fixture
def till(team, developer, published, plan):
    """An application of the giving team, subscribed and with a key."""
    made = Application.objects.create(team=team, name="Till", created_by=developer)
    subscribe(application=made, version=published, plan=plan, actor=developer)
    issue_credential(application=made, name="server", actor=developer)
    return made


def test_an_application_moves_with_its_keys(till, other_team, owner, taker, developer):
    offer = propose_transfer(subject=till, to_team=other_team, actor=owner)
    assert (application_cargo(till).keys, application_cargo(till, other_team).unseen) == (1, ())
    accept_transfer(transfer=offer, actor=taker, new_name="Web till")
    till.refresh_from_db()
    assert (till.team, till.name) == (other_team, "Web till")
    for kind, key in (("credential", till.credentials.get()), ("subscription", till.subscriptions.get())):
        assert (
            Change.objects.filter(kind=kind, key=key.public_id).latest("id").payload["team_id"] == other_team.public_id
        )
    assert Subscription.objects.get().state == "active"


def test_an_application_stays_where_its_calls_would_be_refused(till, published, publisher, other_team, owner, taker):
    offer = propose_transfer(subject=till, to_team=other_team, actor=owner)
    update_api(api=published.api, actor=publisher, visibility="team")
    with pytest.raises(Conflict, match="not shared with Web: 1 that you may not see"):
        accept_transfer(transfer=offer, actor=taker)
    withdraw_transfer(transfer=offer, actor=owner)
    with pytest.raises(Conflict, match="not shared with Web: Orders v1"):
        propose_transfer(subject=till, to_team=other_team, actor=owner)
    Share.objects.create(api=published.api, team=other_team)
    update_api(api=Api.objects.get(kind="rest"), actor=publisher, visibility="shared")
    accept_transfer(transfer=propose_transfer(subject=till, to_team=other_team, actor=owner), actor=taker)
    till.refresh_from_db()
    assert till.team == other_team


def test_a_taken_name_asks_for_another(till, application, other_team, owner, taker):
    with pytest.raises(Conflict, match="has an application called Checkout"):
        propose_transfer(subject=till, to_team=other_team, actor=owner, new_name="Checkout")


def test_the_ai_endpoints_stay(admin, other_team):
    ai = Api.objects.get(kind="model")
    with pytest.raises(Conflict, match="part of Gatehouse"):
        propose_transfer(subject=ai, to_team=other_team, actor=admin)


@pytest.mark.django_db(transaction=True)
def test_of_accepting_and_withdrawing_at_once_one_happens(offer, owner, taker, team, other_team):
    def answer(act, actor):
        row = Transfer.objects.select_related("api", "from_team", "to_team", "requested_by").get()
        return lambda: act(transfer=row, actor=actor)

    accepted, withdrawn = at_once(answer(accept_transfer, taker), answer(withdraw_transfer, owner))
    assert (accepted == DONE) != (withdrawn == DONE)
    wanted = other_team if accepted == DONE else team
    assert Api.objects.get(slug="orders").team == wanted
