import pytest

from common.errors import Conflict, Invalid, NotAllowed
from teams.models import AccessToken, AuditEvent, Membership, Notice, User
from teams.services.audit_chain import check_chain, seal_entries
from teams.services.departures import deactivate_person, erase_person, export_person, reactivate_person
from teams.services.notices import notify
from teams.services.tokens import create_access_token

pytestmark = pytest.mark.django_db


@pytest.fixture
def successor(make_user):
    return make_user("successor")


def test_nothing_is_orphaned_when_somebody_leaves(owner, publisher, successor, admin, team, as_user, api_as):
    from apis.services.contracts import create_api

    api = create_api(team=team, kind="rest", name="Orders", actor=owner)
    _, token = create_access_token(user=owner, name="ci")
    client = as_user(owner)
    deactivate_person(user=owner, successor=successor, actor=admin)
    assert not User.objects.get(pk=owner.pk).is_active
    assert Membership.objects.get(user=successor, team=team).role == "owner"
    assert not Membership.objects.filter(user=owner).exists()
    api.refresh_from_db()
    assert (api.owner, api.on_call) == (successor, successor.email)
    assert client.get("/").status_code == 302
    from rest_framework.test import APIClient

    assert APIClient(HTTP_AUTHORIZATION=f"Bearer {token}").get("/api/v1/me").status_code == 401
    assert not AccessToken.objects.filter(user=owner, revoked_at=None).exists()


def test_where_others_own_the_team_the_successor_gets_no_right(publisher, owner, successor, admin, team):
    deactivate_person(user=publisher, successor=successor, actor=admin)
    assert not Membership.objects.filter(user=successor).exists()


def test_who_may_and_whom(owner, member, successor, admin, make_user):
    with pytest.raises(NotAllowed):
        deactivate_person(user=member, successor=successor, actor=owner)
    with pytest.raises(Invalid):
        deactivate_person(user=member, successor=member, actor=admin)
    with pytest.raises(Conflict, match="needs a platform admin"):
        deactivate_person(user=admin, successor=successor, actor=admin)
    second = make_user("second", is_platform_admin=True)
    deactivate_person(user=admin, successor=successor, actor=second)
    with pytest.raises(Conflict):
        deactivate_person(user=admin, successor=successor, actor=second)


def test_what_is_known_is_given_out(member, owner, team, admin):
    notify(people=[member], title="Look", text="Here.", url="/")
    known = export_person(user=member, actor=member)
    assert known["person"]["email"] == member.email
    assert known["teams"][0]["team__slug"] == team.slug
    assert known["notices"][0]["title"] == "Look"
    assert export_person(user=member, actor=admin)["person"]["id"] == member.public_id
    with pytest.raises(NotAllowed):
        export_person(user=member, actor=owner)


def test_what_is_personal_is_erased_and_the_chain_holds(publisher, owner, successor, admin, team):
    from apis.services.contracts import create_api

    create_api(team=team, kind="rest", name="Orders", actor=publisher)
    notify(people=[publisher], title="Look", text="Here.", url="/")
    seal_entries()
    with pytest.raises(Conflict, match="is active"):
        erase_person(user=publisher, actor=admin)
    email = publisher.email
    deactivate_person(user=publisher, successor=successor, actor=admin)
    erase_person(user=publisher, actor=admin)
    left = User.objects.get(pk=publisher.pk)
    assert left.name == "Erased person"
    assert email not in str(list(User.objects.values())) + str(list(AuditEvent.objects.values()))
    assert not Notice.objects.filter(user=publisher).exists()
    seal_entries()
    assert check_chain().broken is None
    with pytest.raises(Conflict):
        reactivate_person(user=left, actor=admin)


def test_somebody_comes_back(member, successor, admin):
    deactivate_person(user=member, successor=successor, actor=admin)
    assert reactivate_person(user=member, actor=admin).is_active
    assert not member.has_usable_password()


def test_over_rest_and_by_page(member, owner, successor, admin, api_as, as_user):
    client = api_as(admin)
    assert api_as(owner).get("/api/v1/users").status_code == 403
    (row,) = client.get("/api/v1/users?q=member@").json()["results"]
    one = f"/api/v1/users/{row['id']}"
    assert client.post(f"{one}/deactivate", {"successor": "usr_none"}).status_code == 404
    assert client.post(f"{one}/deactivate", {"successor": successor.public_id}).json()["is_active"] is False
    assert client.post(f"{one}/reactivate").json()["is_active"] is True
    page = as_user(admin)
    here = f"/admin/users/{member.public_id}"
    assert "Deactivate Member" in page.get(here).content.decode()
    given = {"do": "deactivate", "successor": successor.pk, "form_token": "d" * 24}
    assert page.post(here, given).status_code == 303
    assert page.post(here, {"do": "erase", "typed": "x"}).status_code == 422
    assert page.post(here, {"do": "erase", "typed": member.email}).status_code == 302
    assert "Erased person" in page.get("/admin/users").content.decode()
    assert as_user(owner).get("/admin/users").status_code == 403
    assert as_user(owner).get("/account/export").json()["person"]["email"] == owner.email
    assert api_as(owner).get("/api/v1/me/export").json()["person"]["email"] == owner.email
