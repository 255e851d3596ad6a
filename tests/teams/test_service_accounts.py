"""Service accounts: who makes them, what they may do, and what they never do."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from rest_framework.test import APIClient

from common.clock import now
from common.errors import Conflict, Invalid, NotAllowed, NotFound
from teams.models import AccessToken, AuditEvent, Membership, Notice, PlatformRole, Role, User
from teams.roles import people_with
from teams.services.departures import deactivate_person, export_person
from teams.services.notices import notify
from teams.services.platform_roles import change_platform_role
from teams.services.service_accounts import (
    create_service_account,
    create_service_token,
    delete_service_account,
    rotate_service_token,
    service_account_for,
    switch_service_account,
    update_service_account,
)
from teams.services.tokens import create_access_token

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(team, owner):
    return create_service_account(team=team, name="CI", role="publisher", actor=owner)


@pytest.fixture
def token(account, owner) -> str:
    expires_at = now() + timedelta(days=30)
    return create_service_token(account=account, name="Actions", expires_at=expires_at, actor=owner)[1]


def acting(token: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


def test_it_acts_over_rest_in_its_role_and_is_named_in_the_audit_log(token, team, owner, api_as):
    client = acting(token)
    made = client.post("/api/v1/applications", {"team": team.public_id, "name": "Shop"})
    assert made.status_code == 201, made.json()
    entry = AuditEvent.objects.get(verb="application.create")
    assert entry.actor_name == "CI (service account of Payments)"
    shown = api_as(owner).get("/api/v1/audit", {"verb": "application.create"}).json()["results"][0]
    assert shown["by_service_account"] is True
    assert client.patch(f"/api/v1/teams/{team.public_id}", {"name": "x"}, HTTP_IF_MATCH="*").status_code == 403
    assert client.get("/api/v1/users").status_code == 403


def test_only_owners_of_its_team_see_and_make_one(team, account, publisher, stranger, admin, owner):
    for person, error in ((publisher, NotAllowed), (stranger, NotFound)):
        with pytest.raises(error):
            create_service_account(team=team, name="X", role="viewer", actor=person)
        with pytest.raises(error):
            service_account_for(person, team, account.user.public_id)
        with pytest.raises(error):
            switch_service_account(account=account, actor=person, is_active=False)
        with pytest.raises(error):
            delete_service_account(account=account, actor=person)
    assert service_account_for(admin, team, account.user.public_id) == account


def test_it_never_owns_a_team_and_names_are_once(team, account, owner):
    with pytest.raises(Invalid, match="only people own a team"):
        create_service_account(team=team, name="Y", role="owner", actor=owner)
    with pytest.raises(Invalid):
        update_service_account(account=account, actor=owner, name="CI", role=Role.OWNER)
    with pytest.raises(Conflict, match="called ci already"):
        create_service_account(team=team, name="ci", role="viewer", actor=owner)


def test_it_makes_no_tokens_and_changes_nothing_of_itself(token, account, owner):
    client = acting(token)
    assert client.post("/api/v1/tokens", {"name": "more"}).status_code == 403
    assert client.patch("/api/v1/me", {"name": "Boss"}, HTTP_IF_MATCH="*").status_code == 403
    with pytest.raises(NotAllowed):
        create_access_token(user=account.user, name="x")
    team = account.team.public_id
    assert client.post(f"/api/v1/teams/{team}/service-accounts", {"name": "Z", "role": "viewer"}).status_code == 403


@pytest.mark.parametrize("days", [None, 400, -1])
def test_its_tokens_expire_within_a_year(account, owner, days):
    expires_at = None if days is None else now() + timedelta(days=days)
    with pytest.raises(Invalid):
        create_service_token(account=account, name="x", expires_at=expires_at, actor=owner)


def test_rotating_leaves_the_old_token_a_day(token, account, owner):
    old = AccessToken.objects.get()
    new, secret = rotate_service_token(account=account, token_id=old.public_id, actor=owner)
    assert acting(secret).get("/api/v1/me").status_code == acting(token).get("/api/v1/me").status_code == 200
    old.refresh_from_db()
    assert old.expires_at < now() + timedelta(hours=25)
    assert new.expires_at > now() + timedelta(days=29)
    AccessToken.objects.filter(pk=old.pk).update(expires_at=now())
    assert acting(token).get("/api/v1/me").status_code == 401


def test_disabled_it_gets_401_until_it_is_enabled_and_deleted_for_good(token, account, owner):
    for is_active, status in ((False, 401), (True, 200)):
        switch_service_account(account=account, actor=owner, is_active=is_active)
        assert acting(token).get("/api/v1/me").status_code == status
    delete_service_account(account=account, actor=owner)
    assert acting(token).get("/api/v1/me").status_code == 401
    assert AccessToken.objects.get().revoked_at is not None
    assert User.objects.get(public_id=account.user.public_id).name == "CI"


def test_it_is_no_person(account, team, owner, admin, member, api_as, as_user):
    assert account.user not in people_with(team, "team.view")
    notify(people=[account.user], title="x", text="x", url="/")
    assert not Notice.objects.exists()
    listed = api_as(admin).get("/api/v1/users").json()["results"]
    assert account.user.public_id not in {row["id"] for row in listed}
    members = api_as(owner).get(f"/api/v1/teams/{team.public_id}/members").json()["results"]
    assert {row["user"]["name"] for row in members} == {"Owner", "Member"}
    here = f"/api/v1/teams/{team.public_id}/members/{account.user.public_id}"
    assert api_as(owner).patch(here, {"role": "owner"}, HTTP_IF_MATCH="*").status_code == 404
    assert as_user(admin).get(f"/admin/users/{account.user.public_id}").status_code == 404
    with pytest.raises(Conflict):
        change_platform_role(user=account.user, role=PlatformRole.ADMIN, actor=admin)
    with pytest.raises(Conflict):
        deactivate_person(user=account.user, successor=owner, actor=admin)
    with pytest.raises(Invalid):
        deactivate_person(user=member, successor=account.user, actor=admin)
    assert account.user.public_id not in str(export_person(user=owner, actor=owner)["tokens"])


def test_nobody_signs_in_as_one(account):
    answer = Client().post("/login", {"login": account.user.email, "password": ""})
    assert answer.status_code == 422
    assert not account.user.has_usable_password()


def test_it_outlives_who_made_it(token, owner, admin, make_user, team):
    other = make_user("other", team, "owner")
    deactivate_person(user=owner, successor=other, actor=admin)
    assert acting(token).get("/api/v1/me").status_code == 200


def test_a_demand_for_second_factors_does_not_reach_it(token, account, owner, settings):
    settings.GATEHOUSE_REQUIRE_SECOND_FACTOR = "everyone"
    assert acting(token).get("/api/v1/applications").status_code == 200
    assert create_service_token(account=account, name="x", expires_at=now() + timedelta(days=1), actor=owner)


def test_rest_makes_changes_rotates_and_ends_one(team, owner, publisher, stranger, api_as):
    client, base = api_as(owner), f"/api/v1/teams/{team.public_id}/service-accounts"
    made = client.post(base, {"name": "GitOps", "role": "developer"})
    assert made.status_code == 201
    here = f"{base}/{made.json()['id']}"
    assert [row["name"] for row in client.get(base).json()["results"]] == ["GitOps"]
    for person, status in ((publisher, 403), (stranger, 404)):
        assert api_as(person).get(base).status_code == status
        assert api_as(person).get(here).status_code == status
        assert api_as(person).post(f"{here}/tokens", {"name": "x"}).status_code == status
    assert client.patch(here, {"role": "viewer"}).status_code == 428
    assert client.patch(here, {"role": "viewer"}, HTTP_IF_MATCH=made["ETag"]).json()["role"] == "viewer"
    expires_at = (now() + timedelta(days=5)).isoformat()
    first = client.post(f"{here}/tokens", {"name": "x", "expires_at": expires_at})
    assert (first.status_code, first["Cache-Control"]) == (201, "no-store")
    second = client.post(f"{here}/tokens/{first.json()['id']}/rotate")
    assert second.json()["token"] != first.json()["token"]
    assert len(client.get(f"{here}/tokens").json()["results"]) == 2
    assert client.delete(f"{here}/tokens/{second.json()['id']}", HTTP_IF_MATCH="*").status_code == 204
    assert client.post(f"{here}/disable").json()["is_active"] is False
    assert client.post(f"{here}/enable").json()["is_active"] is True
    assert client.delete(here, HTTP_IF_MATCH="*").status_code == 204
    assert client.get(here).status_code == 404
    verbs = AuditEvent.objects.filter(team=team).order_by("id").values_list("verb", flat=True)
    assert [verb for verb in verbs if not verb.startswith("team.")] == [
        "service_account.create", "service_account.update", "token.create", "token.create", "token.revoke",
        "service_account.disable", "service_account.enable", "service_account.delete",
    ]  # fmt: skip


def test_the_pages_make_one_with_a_token_shown_once(team, owner, as_user):
    client = as_user(owner)
    made = client.post(
        f"/teams/{team.slug}/service-accounts", {"name": "CI", "role": "publisher", "form_token": "a" * 32}
    )
    here = made["Location"]
    page = client.post(here, {"do": "token", "token_name": "Actions", "days": "30"}).content.decode()
    assert "gh_pat_" in page
    token = AccessToken.objects.get()
    page = client.get(here).content.decode()
    assert token.hint in page
    assert client.post(here, {"do": "rotate", "token": token.public_id}).status_code == 200
    assert client.post(here, {"do": "revoke", "token": token.public_id}).status_code == 302
    sent = {"do": "save", "name": "Pipeline", "role": "viewer", "form_token": "b" * 32}
    assert client.post(here, sent).status_code == 303
    assert client.post(here, {"do": "disable"}).status_code == 302
    assert client.post(here, {"do": "delete", "typed": "wrong"}).status_code == 422
    assert client.post(here, {"do": "delete", "typed": "Pipeline"}).status_code == 302
    assert not Membership.objects.filter(user__service_team=team).exists()


def test_nobody_makes_one_that_may_do_more_than_themselves(team, account, owner, make_user):
    from teams.models import CustomRole

    role = CustomRole.objects.create(
        team=team, name="Steward", slug="steward", permissions=["team.view", "team.manage", "members.manage"]
    )
    steward = make_user("steward")
    Membership.objects.create(user=steward, team=team, role="", custom_role=role)
    with pytest.raises(NotAllowed, match="give the role Publisher"):
        create_service_account(team=team, name="Mine", role="publisher", actor=steward)
    with pytest.raises(NotAllowed, match="make a token of CI"):
        create_service_token(account=account, name="x", expires_at=now() + timedelta(days=1), actor=steward)
