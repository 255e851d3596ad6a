"""Single sign-on against a real OpenID provider: who gets in as whom, who does not, and what their groups give."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest
from django.test import Client

from teams.models import AuditEvent, GroupRole, Identity, Membership, Notice, Role, SignInProvider, User
from teams.services.departures import deactivate_person, export_person
from teams.services.people import change_role

pytestmark = pytest.mark.django_db
ANN = {"email": "Ann@acme.example", "email_verified": True, "name": "Ann Lee"}
REFUSED = "sign-in-refused"


def code_of(answer) -> str:
    return re.search(r"/problems/([a-z-]+)", answer.content.decode())[1]


def test_somebody_new_of_an_allowed_domain_comes_in(process, provider, sign_in):
    process.knows({"ann": ANN})
    client, answer = sign_in("ann", after="/catalog")
    assert (answer.status_code, answer["Location"]) == (302, "/catalog")
    person = User.objects.get(email="ann@acme.example")
    assert (person.name, person.has_usable_password(), person.memberships.count()) == ("Ann Lee", False, 0)
    assert client.get("/account").status_code == 200
    verbs = list(AuditEvent.objects.filter(object_id=person.public_id).values_list("verb", flat=True))
    assert sorted(verbs) == ["user.link_identity", "user.provision"]
    sign_in("ann")
    assert User.objects.filter(email="ann@acme.example").count() == 1
    assert Identity.objects.get().last_used_at is not None
    assert export_person(user=person, actor=person)["identities"][0]["subject"] == "ann"


def test_the_button_stands_on_the_sign_in_page(provider):
    assert "Sign in with Acme" in Client().get("/login").content.decode()
    SignInProvider.objects.update(is_enabled=False)
    assert "Sign in with" not in Client().get("/login").content.decode()
    assert Client().get(f"/login/with/{provider.public_id}").status_code == 404


@pytest.mark.parametrize("claims", [
    ANN | {"email": "ann@elsewhere.example"}, ANN | {"email_verified": False}, ANN | {"email": ""},
    ANN | {"email_verified": "true"}, ANN | {"email": "ann@sub.acme.example"}, ANN | {"email": "x@y@acme.example"},
    {"name": "Ann"}, {"email": "ann@acme.example"},
])  # fmt: skip
def test_nobody_comes_in_by_a_strange_or_unverified_address(process, provider, sign_in, claims):
    process.knows({"ann": claims})
    before = User.objects.count()
    client, answer = sign_in("ann")
    assert (answer.status_code, code_of(answer)) == (403, REFUSED)
    assert User.objects.count() == before
    assert client.get("/account").status_code == 302


def test_an_unverified_address_takes_over_nobody(process, provider, sign_in, make_user):
    make_user("ann", is_platform_admin=True)
    User.objects.filter(name="Ann").update(email="ann@acme.example")
    process.knows({"eve": ANN | {"email_verified": False}})
    assert sign_in("eve")[1].status_code == 403
    assert not Identity.objects.exists()


def test_somebody_known_is_linked_by_a_verified_address_and_told(process, provider, sign_in, make_user):
    from common.clock import now

    known = make_user("ann")
    User.objects.filter(pk=known.pk).update(email="ann@acme.example", last_login=now())
    process.knows({"ann": ANN})
    client, answer = sign_in("ann")
    assert answer.status_code == 302
    assert Identity.objects.get().user == known
    assert Notice.objects.get(user=known).title == "Acme signs in as you from now on"
    # The subject counts from now on, whatever address it has.
    process.knows({"ann": {"email": "other@elsewhere.example", "email_verified": False}, "eve": ANN})
    assert sign_in("ann")[1].status_code == 302
    assert Identity.objects.get().email == "other@elsewhere.example"


def test_a_deactivated_person_is_refused(process, provider, sign_in, admin):
    process.knows({"ann": ANN})
    sign_in("ann")
    person = User.objects.get(email="ann@acme.example")
    deactivate_person(user=person, successor=admin, actor=admin)
    assert code_of(sign_in("ann")[1]) == REFUSED
    Identity.objects.all().delete()
    assert code_of(sign_in("ann")[1]) == REFUSED


def test_groups_give_change_and_take_memberships(process, provider, sign_in, team, admin):
    for group, role in (("eng", Role.DEVELOPER), ("leads", Role.PUBLISHER)):
        GroupRole.objects.create(provider=provider, group=group, team=team, role=role)
    for groups, role in ((["eng", "other"], "developer"), (["eng", "leads"], "publisher"), (["eng"], "developer"),
                         ([], None), ("leads", "publisher")):  # fmt: skip
        process.knows({"ann": ANN | {"groups": groups}})
        assert sign_in("ann")[1].status_code == 302
        row = Membership.objects.filter(user__email="ann@acme.example").first()
        assert (row.role if row else None) == role, groups
    verbs = AuditEvent.objects.filter(team=team, verb__startswith="team.").order_by("id").values_list("verb", flat=True)
    assert list(verbs) == ["team.join", "team.change_role", "team.change_role", "team.remove_member", "team.join"]


def test_what_was_made_by_hand_stays_by_hand(process, provider, sign_in, team, owner):
    GroupRole.objects.create(provider=provider, group="eng", team=team, role=Role.DEVELOPER)
    process.knows({"ann": ANN | {"groups": ["eng"]}})
    sign_in("ann")
    row = Membership.objects.select_related("user", "team").get(user__email="ann@acme.example")
    change_role(membership=row, role=Role.PUBLISHER, actor=owner)
    process.knows({"ann": ANN})
    sign_in("ann")
    row.refresh_from_db()
    assert (row.role, row.provider) == ("publisher", None)


def test_a_teams_last_owner_stays(process, provider, sign_in, team):
    GroupRole.objects.create(provider=provider, group="eng", team=team, role=Role.OWNER)
    process.knows({"ann": ANN | {"groups": ["eng"]}})
    sign_in("ann")
    process.knows({"ann": ANN})
    sign_in("ann")
    assert Membership.objects.get(team=team).role == "owner"


def test_an_answer_is_good_once_and_for_the_browser_that_asked(process, provider, sign_in, walk):
    process.knows({"ann": ANN})
    client = Client()
    back = urlsplit(walk(client.get(f"/login/with/{provider.public_id}")["Location"], "ann"))
    address = f"{back.path}?{back.query}"
    stranger = Client().get(address)
    assert (stranger.status_code, code_of(stranger)) == (400, "sign-in-failed")
    query = dict(parse_qsl(back.query))
    other = client.get(f"{back.path}?{urlencode(query | {'state': 'made-up'})}")
    assert code_of(other) == "sign-in-failed"
    key = client.session.session_key
    assert client.get(address).status_code == 302
    assert client.session.session_key != key
    assert code_of(client.get(address)) == "sign-in-failed"


def test_a_code_is_good_once(process, provider, walk):
    process.knows({"ann": ANN})
    client = Client()
    back = urlsplit(walk(client.get(f"/login/with/{provider.public_id}")["Location"], "ann"))
    kept = client.session["single_sign_on_under_way"]
    assert client.get(f"{back.path}?{back.query}").status_code == 302
    # The same browser state once more, as if the state check had been passed by.
    second = Client()
    second.get("/login")
    session = second.session
    session["single_sign_on_under_way"] = kept
    session.save()
    second.cookies["sessionid"] = session.session_key
    assert code_of(second.get(f"{back.path}?{back.query}")) == "sign-in-failed"


@pytest.mark.parametrize(("field", "value"), [("nonce", "another"), ("verifier", "x" * 43)])
def test_a_nonce_or_verifier_of_another_sign_in_is_not_good(process, provider, walk, field, value):
    process.knows({"ann": ANN})
    client = Client()
    back = urlsplit(walk(client.get(f"/login/with/{provider.public_id}")["Location"], "ann"))
    session = client.session
    session["single_sign_on_under_way"][0]["pending"][field] = value
    session.save()
    assert code_of(client.get(f"{back.path}?{back.query}")) == "sign-in-failed"
    assert not Identity.objects.exists()


def test_an_answer_in_another_issuers_name_is_not_good(process, provider, walk):
    process.knows({"ann": ANN})
    client = Client()
    back = urlsplit(walk(client.get(f"/login/with/{provider.public_id}")["Location"], "ann"))
    query = dict(parse_qsl(back.query))
    assert query["iss"] == process.issuer
    for change in ({"iss": "https://evil.example"}, {"iss": None}):
        wrong = {name: text for name, text in (query | change).items() if text}
        session = client.session
        kept = session["single_sign_on_under_way"]
        assert code_of(client.get(f"{back.path}?{urlencode(wrong)}")) == "sign-in-failed"
        session["single_sign_on_under_way"] = kept
        session.save()


def test_a_token_for_another_client_or_of_another_issuer_is_not_good(process, provider, walk, monkeypatch):
    from teams import open_id

    process.knows({"ann": ANN})
    for change in ({"client_id": "another"}, {"issuer": "https://evil.example"}):
        client = Client()
        back = urlsplit(walk(client.get(f"/login/with/{provider.public_id}")["Location"], "ann"))
        exchange = open_id._exchange

        def then_change(row, *rest, change=change, exchange=exchange):
            tokens = exchange(row, *rest)
            for name, value in change.items():
                setattr(row, name, value)
            return tokens

        check = open_id._checked

        def of_another(row, metadata, *rest, change=change, check=check):
            from dataclasses import replace

            return check(row, replace(metadata, issuer=change.get("issuer", metadata.issuer)), *rest)

        monkeypatch.setattr(open_id, "_exchange", then_change)
        monkeypatch.setattr(open_id, "_checked", of_another)
        assert code_of(client.get(f"{back.path}?{back.query}")) == "sign-in-failed", change
        monkeypatch.undo()


def test_what_is_sent_has_pkce_state_and_nonce(provider):
    sent = parse_qs(urlsplit(Client().get(f"/login/with/{provider.public_id}")["Location"]).query)
    assert sent["code_challenge_method"] == ["S256"]
    assert {len(sent[name][0]) for name in ("state", "nonce", "code_challenge")} == {43}


def test_a_provider_that_is_down_is_said_and_passwords_go_on(provider, owner):
    SignInProvider.objects.update(issuer="http://127.0.0.1:9")
    answer = Client().get(f"/login/with/{provider.public_id}")
    assert (answer.status_code, code_of(answer)) == (503, "unavailable")
    sent = Client().post("/login", {"login": owner.email, "password": "correct horse battery"})
    assert sent["Location"] == "/"


def test_a_person_who_says_no_there_reads_why(provider):
    client = Client()
    state = parse_qs(urlsplit(client.get(f"/login/with/{provider.public_id}")["Location"]).query)["state"][0]
    answer = client.get(f"/login/with/{provider.public_id}/back", {"state": state, "error": "access_denied",
                        "error_description": "<b>no</b>"})  # fmt: skip
    assert code_of(answer) == "sign-in-failed"
    assert "<b>no</b>" not in answer.content.decode()


def test_the_way_on_stays_in_the_house(process, provider, sign_in):
    process.knows({"ann": ANN})
    assert sign_in("ann", after="https://evil.example/")[1]["Location"] == "/"


def test_somebody_signed_in_links_and_unlinks_an_account(process, provider, walk, owner, sign_in, stranger):
    process.knows({"boss": {"email": "boss@elsewhere.example"}})
    client = Client()
    client.post("/login", {"login": owner.email, "password": "correct horse battery"})
    assert client.get(f"/account/security/identities/{provider.public_id}/link").status_code == 405
    page = client.post(f"/account/security/identities/{provider.public_id}/link").content.decode()
    url = re.search(r'class="btn btn-primary" href="([^"]+)"', page)[1].replace("&amp;", "&")
    back = urlsplit(walk(url, "boss"))
    assert client.get(f"{back.path}?{back.query}")["Location"] == "/account/security"
    identity = Identity.objects.get()
    assert identity.user == owner
    assert "boss@elsewhere.example" in client.get("/account/security").content.decode()
    # Signs in although the domain is not allowed: the person themselves linked it.
    assert sign_in("boss")[0].get("/account").status_code == 200
    other = Client()
    other.post("/login", {"login": stranger.email, "password": "correct horse battery"})
    assert other.post(f"/account/security/identities/{identity.pk}/unlink").status_code == 404
    assert client.post(f"/account/security/identities/{identity.pk}/unlink").status_code == 302
    assert not Identity.objects.exists()


def test_the_only_way_to_sign_in_is_not_unlinked(process, provider, sign_in):
    process.knows({"ann": ANN})
    client, _ = sign_in("ann")
    answer = client.post(f"/account/security/identities/{Identity.objects.get().pk}/unlink")
    assert (answer.status_code, code_of(answer)) == (409, "move-not-possible")


def test_without_a_password_one_confirms_at_the_provider(process, provider, sign_in):
    process.knows({"ann": ANN})
    client, _ = sign_in("ann")
    client.force_login(User.objects.get(email="ann@acme.example"))
    session = client.session
    session.pop("account_authentication_methods", None)
    session.save()
    led = client.get("/account/security/app")["Location"]
    assert "Confirm with Acme" in client.get(led).content.decode()
    assert sign_in("ann", client, "/account/security/app")[1]["Location"] == "/account/security/app"
    assert client.get("/account/security/app").status_code == 200


def test_where_passwords_are_for_admins_others_come_by_the_provider(provider, owner, admin, settings):
    settings.PASSWORDS_ARE_FOR_ADMINS = True
    refused = Client().post("/login", {"login": owner.email, "password": "correct horse battery"})
    assert refused.status_code == 422
    assert "not correct" in refused.content.decode()
    assert Client().post("/login", {"login": admin.email, "password": "correct horse battery"})["Location"] == "/"


def test_a_second_factor_is_asked_after_the_provider_too(process, provider, sign_in):
    from allauth.mfa.totp.internal.auth import TOTP

    process.knows({"ann": ANN})
    sign_in("ann")
    TOTP.activate(User.objects.get(email="ann@acme.example"), "JBSWY3DPEHPK3PXP")
    client, answer = sign_in("ann")
    assert answer["Location"] == "/login/second-step"
    assert client.get("/account").status_code == 302
