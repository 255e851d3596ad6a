"""The page where platform admins say which OpenID providers people sign in with."""

from __future__ import annotations

import pytest
from django.test import Client

from common.errors import Invalid, NotAllowed, Stale
from common.outbound import guard
from teams.models import AuditEvent, GroupRole, Identity, SignInProvider
from teams.open_id import secret_of
from teams.services.sign_in_providers import create_provider, read_domains, update_provider

pytestmark = pytest.mark.django_db
FORM = {
    "name": "Acme", "issuer": "https://login.acme.example", "client_id": "gatehouse", "secret": "hush hush",
    "scopes": "openid email", "allowed_domains": "@Acme.example, acme.org", "groups_claim": "groups",
    "is_enabled": "on", "form_token": "t" * 32,
}  # fmt: skip


def _confirmed(admin) -> Client:
    """A platform admin whose session is fresh: who lets others in is sensitive."""
    client = Client()
    client.post("/login", {"login": admin.email, "password": "correct horse battery"})
    return client


def test_a_session_that_is_not_fresh_is_confirmed_first(admin, as_user):
    for answer in (as_user(admin).get("/admin/sign-in/new"), as_user(admin).post("/admin/sign-in/new", FORM)):
        assert answer["Location"] == "/account/confirm?next=%2Fadmin%2Fsign-in%2Fnew"
    assert not SignInProvider.objects.exists()


def test_an_admin_adds_changes_and_removes_a_provider(admin, team):
    client = _confirmed(admin)
    made = client.post("/admin/sign-in/new", FORM)
    row = SignInProvider.objects.get()
    assert made["Location"] == f"/admin/sign-in/{row.public_id}"
    assert row.allowed_domains == ["acme.example", "acme.org"]
    assert secret_of(row) == "hush hush"
    assert b"hush" not in bytes(row.secret)
    here = made["Location"]
    page = client.get(here).content.decode()
    assert "hush" not in page
    assert f"/login/with/{row.public_id}/back" in page
    change = FORM | {"do": "save", "secret": "", "name": "Acme Group", "row_version": "1", "form_token": "u" * 32}
    assert client.post(here, change).status_code == 303
    row.refresh_from_db()
    assert (row.name, secret_of(row), row.row_version) == ("Acme Group", "hush hush", 2)
    assert client.post(here, change | {"form_token": "v" * 32}).status_code == 412
    group = {"do": "add", "group": "eng", "team": team.pk, "role": "developer", "form_token": "w" * 32}
    assert client.post(here, group).status_code == 303
    assert client.post(here, group | {"form_token": "x" * 32}).status_code == 422
    client.post(here, {"do": "remove", "row": GroupRole.objects.get().pk})
    assert not GroupRole.objects.exists()
    assert client.post(here, {"do": "delete", "typed": "wrong"}).status_code == 422
    assert client.post(here, {"do": "delete", "typed": "Acme Group"})["Location"] == "/admin/sign-in"
    entries = AuditEvent.objects.filter(verb__startswith="sign_in.").order_by("id")
    assert [entry.verb.removeprefix("sign_in.") for entry in entries] == [
        "create", "update", "add_group", "remove_group", "delete",
    ]  # fmt: skip
    assert "hush" not in str([(entry.before, entry.after) for entry in entries])


def test_nobody_else_may(owner, member, as_user):
    for person in (owner, member):
        assert as_user(person).get("/admin/sign-in").status_code == 403
        assert as_user(person).post("/admin/sign-in/new", FORM).status_code == 403
        with pytest.raises(NotAllowed):
            create_provider(actor=person, name="x", issuer="https://x.example", client_id="x")


@pytest.mark.parametrize("issuer", ["http://169.254.169.254", "http://10.0.0.1", "file:///etc/passwd", "ftp://x", "x"])
def test_an_issuer_within_the_house_is_refused(admin, settings, issuer):
    settings.GATEHOUSE_PRIVATE_NETWORKS = ""
    guard.cache_clear()
    answer = _confirmed(admin).post("/admin/sign-in/new", FORM | {"issuer": issuer})
    guard.cache_clear()
    assert answer.status_code == 422
    assert not SignInProvider.objects.exists()


def test_scopes_hold_openid_and_domains_are_domains(admin):
    client = _confirmed(admin)
    for change in ({"scopes": "email"}, {"allowed_domains": "not a domain!"}, {"allowed_domains": "*.com"}):
        assert client.post("/admin/sign-in/new", FORM | change).status_code == 422, change
    with pytest.raises(Invalid):
        read_domains("com")


def test_the_issuer_of_people_who_are_linked_stays(admin, owner):
    row = create_provider(actor=admin, name="A", issuer="https://a.example", client_id="x")
    Identity.objects.create(provider=row, user=owner, subject="1")
    with pytest.raises(Invalid, match="a provider of its own"):
        update_provider(provider=row, actor=admin, row_version=1, issuer="https://b.example")
    row.refresh_from_db()
    with pytest.raises(Stale):
        update_provider(provider=row, actor=admin, row_version=9, name="B")


def test_a_provider_that_does_not_answer_is_said(admin):
    row = create_provider(actor=admin, name="A", issuer="http://127.0.0.1:9", client_id="x")
    answer = _confirmed(admin).post(f"/admin/sign-in/{row.public_id}", {"do": "test"})
    assert answer.status_code == 503
