"""Second factors on pages: signing in, setting up, the installation's demand, confirming, resetting."""

from __future__ import annotations

import html
import json
import re
import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.core.cache import cache
from django.test import Client

from teams.models import AccessToken, AuditEvent, Notice, User
from teams.second_factor import matching_step
from teams.services.factors import reset_factors
from teams.services.tokens import create_access_token
from tests.teams.security_key import SecurityKey

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.fixture(autouse=True)
def _no_tries_counted():
    cache.clear()


def code(secret: str = SECRET, steps: int = 0) -> str:
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps))


def sign_in(user: User, **extra: str) -> tuple[Client, object]:
    client = Client()
    answer = client.post("/login", {"login": user.email, "password": PASSWORD, **extra})
    return client, answer


@pytest.fixture
def guarded(owner):
    """The owner with an app, and its recovery codes."""
    Authenticator.objects.create(user=owner, type="totp", data={"secret": _sealed(SECRET)})
    from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes

    owner.codes = RecoveryCodes.activate(owner).generate_codes()
    return owner


def _sealed(secret: str) -> str:
    from allauth.mfa.utils import encrypt

    return encrypt(secret)


def test_a_person_sets_up_an_app_and_signs_in_with_it(owner):
    client, answer = sign_in(owner)
    assert answer["Location"] == "/"
    page = client.get("/account/security/app").content.decode()
    secret = re.search(r"<code>([A-Z2-7 ]{39})</code>", page)[1].replace(" ", "")
    assert client.post("/account/security/app", {"code": "000000"}).status_code == 422
    done = client.post("/account/security/app", {"code": code(secret)})
    codes = re.findall(r"\b\d{8}\b", done.content.decode())
    assert len(set(codes)) == 10
    assert done["Cache-Control"].startswith("max-age=0")
    assert secret not in json.dumps(list(Authenticator.objects.values_list("data", flat=True)))
    assert [row.verb for row in AuditEvent.objects.filter(actor=owner, object_type="user")] == ["user.add_factor"]
    assert Notice.objects.get(user=owner).mail_state == "queued"

    other, answer = sign_in(owner, next="/catalog")
    assert answer["Location"] == "/login/second-step"
    assert other.get("/").status_code == 302
    # The code that set the app up is used.
    assert other.post("/login/second-step", {"code": code(secret)}).status_code == 422
    answer = other.post("/login/second-step", {"code": code(secret, 1)})
    assert (answer.status_code, answer["Location"]) == (302, "/catalog")
    assert other.get("/account").status_code == 200


def test_a_code_signs_in_once(guarded):
    current = code()
    first, _ = sign_in(guarded)
    assert first.post("/login/second-step", {"code": current}).status_code == 302
    second, _ = sign_in(guarded)
    assert second.post("/login/second-step", {"code": current}).status_code == 422
    assert second.get("/account")["Location"].startswith("/login")


def test_a_recovery_code_signs_in_once_and_is_told(guarded):
    for wanted in (302, 422):
        client, _ = sign_in(guarded)
        assert client.post("/login/second-step", {"code": guarded.codes[3]}).status_code == wanted
    assert Notice.objects.get(user=guarded).title == "A recovery code was used to sign in"


def test_five_wrong_codes_close_the_second_step_for_the_right_one_too(guarded):
    client, _ = sign_in(guarded)
    for _ in range(5):
        assert "wrong" in client.post("/login/second-step", {"code": "000000"}).content.decode()
    answer = client.post("/login/second-step", {"code": code()})
    assert answer.status_code == 422
    assert "Too many wrong codes" in answer.content.decode()


def test_the_second_step_is_nothing_without_the_first(as_user, guarded):
    assert as_user().post("/login/second-step", {"code": code()})["Location"] == "/login"


def test_the_password_alone_opens_nothing(guarded):
    client, _ = sign_in(guarded)
    for path in ("/", "/account", "/account/security", "/account/security/app", "/api/v1/me"):
        assert client.get(path).status_code in (302, 401), path
    key = client.session.session_key
    client.post("/login/second-step", {"code": code()})
    assert client.session.session_key != key


def test_the_way_on_stays_in_the_house(guarded):
    client, _ = sign_in(guarded, next="https://evil.example/")
    assert client.post("/login/second-step", {"code": code()})["Location"] == "/"
    client, _ = sign_in(guarded)
    answer = client.post("/account/confirm", {"code": code(steps=1), "next": "//evil.example/"})
    assert "evil" not in answer["Location"]


def test_wrong_passwords_and_unknown_people_get_the_same_answer(owner):
    pages = [
        Client().post("/login", {"login": login, "password": "wrong wrong wrong"}).content.decode()
        for login in (owner.email, "nobody@example.com")
    ]
    boxes = [re.search(r'role="alert">([^<]*)<', page)[1] for page in pages]
    assert boxes[0] == boxes[1] != ""


def test_what_is_sensitive_is_confirmed_with_the_factor(guarded, as_user):
    stale = as_user(guarded)
    factor = Authenticator.objects.get(user=guarded, type="totp")
    for path in (f"/account/security/factors/{factor.pk}/remove", "/account/security/recovery-codes",
                 "/account/security/sign-out-elsewhere"):  # fmt: skip
        assert stale.post(path)["Location"] == "/account/confirm?next=%2Faccount%2Fsecurity", path
    # The password is not enough where there is a factor.
    assert stale.post("/account/confirm", {"password": PASSWORD}).status_code == 422
    assert stale.post("/account/confirm", {"code": code(), "next": "/account/security"}).status_code == 302
    assert stale.post(f"/account/security/factors/{factor.pk}/remove").status_code == 302
    assert not Authenticator.objects.filter(user=guarded).exists()
    assert AuditEvent.objects.get(verb="user.remove_factor").before == {"factor": "Authenticator app"}


def test_nobody_removes_the_factor_of_another(guarded, member):
    client, _ = sign_in(member)
    factor = Authenticator.objects.get(user=guarded, type="totp")
    assert client.post(f"/account/security/factors/{factor.pk}/remove").status_code == 404


def test_without_a_factor_the_password_confirms(owner, as_user):
    client = as_user(owner)
    assert client.get("/account/security/app")["Location"].startswith("/account/confirm")
    assert client.post("/account/confirm", {"password": "wrong wrong wrong"}).status_code == 422
    client.post("/account/confirm", {"password": PASSWORD})
    assert client.get("/account/security/app").status_code == 200


def test_new_recovery_codes_make_the_old_ones_useless(guarded):
    client, _ = sign_in(guarded)
    client.post("/login/second-step", {"code": code()})
    page = client.post("/account/security/recovery-codes").content.decode()
    assert guarded.codes[0] not in page
    assert len(re.findall(r"<pre[^>]*>([\d\n]+)<", page)[0].split()) == 10
    other, _ = sign_in(guarded)
    assert other.post("/login/second-step", {"code": guarded.codes[0]}).status_code == 422


def test_signing_out_elsewhere_keeps_this_browser(owner):
    here, _ = sign_in(owner)
    there, _ = sign_in(owner)
    here.post("/account/security/sign-out-elsewhere")
    assert here.get("/account").status_code == 200
    assert there.get("/account").status_code == 302


def test_a_security_key_is_added_and_signs_in(owner, settings):
    settings.GATEHOUSE_CONSOLE_URL = "http://localhost:8000"
    key = SecurityKey()
    client, _ = sign_in(owner)
    answer = client.post("/account/security/keys/new", {"name": "Blue", "credential": json.dumps(
        key.create(_options(client.get("/account/security/keys/new"))))})  # fmt: skip
    assert len(re.findall(r"\b\d{8}\b", answer.content.decode())) >= 10
    other, _ = sign_in(owner)
    shown = other.get("/login/second-step")
    strange = SecurityKey().get(_options(shown))
    assert other.post("/login/second-step", {"credential": json.dumps(strange)}).status_code == 422
    good = key.get(_options(other.get("/login/second-step")))
    assert other.post("/login/second-step", {"credential": json.dumps(good)}).status_code == 302
    assert other.get("/account").status_code == 200
    # Shown again it answers a challenge that is over.
    third, _ = sign_in(owner)
    third.get("/login/second-step")
    assert third.post("/login/second-step", {"credential": json.dumps(good)}).status_code == 422


def test_a_key_of_another_site_is_not_taken(owner, settings):
    settings.GATEHOUSE_CONSOLE_URL = "http://localhost:8000"
    client, _ = sign_in(owner)
    options = _options(client.get("/account/security/keys/new"))
    strange = SecurityKey("https://evil.example").create(options)
    sent = {"name": "Blue", "credential": json.dumps(strange)}
    assert client.post("/account/security/keys/new", sent).status_code == 422
    for junk in ("{}", "[]", "not json", '{"id": 1, "response": {}}', '"x"', "null"):
        assert client.post("/account/security/keys/new", {"name": "x", "credential": junk}).status_code == 422, junk
    assert not Authenticator.objects.exists()


def _options(answer) -> dict:
    return json.loads(html.unescape(re.search(r'id="key-options"[^>]*>(.*?)</script>', answer.content.decode())[1]))


def test_with_an_address_for_a_name_there_are_no_security_keys(owner, settings):
    settings.GATEHOUSE_CONSOLE_URL = "http://127.0.0.1:8000"
    client, _ = sign_in(owner)
    assert "need the console at an https:// name" in client.get("/account/security/keys/new").content.decode()


@pytest.mark.parametrize(("asked", "who", "is_led"), [
    ("none", "admin", False), ("admins", "admin", True), ("admins", "owner", False), ("everyone", "owner", True),
])  # fmt: skip
def test_whom_the_installation_asks_sets_up_a_factor_first(request, settings, as_user, asked, who, is_led):
    settings.GATEHOUSE_REQUIRE_SECOND_FACTOR = asked
    person = request.getfixturevalue(who)
    client = as_user(person)
    home, rest = client.get("/"), client.get("/api/v1/me")
    if is_led:
        assert home["Location"] == "/account/security"
        assert (rest.status_code, rest.json()["code"]) == (403, "second-factor-required")
        assert client.get("/staff/")["Location"] == "/account/security"
        # A header that REST does not read the token of lets nobody by.
        assert client.get("/api/v1/me", HTTP_AUTHORIZATION="Basic x").status_code == 403
        assert client.get("/account/security").status_code == 200
        assert client.post("/logout").status_code == 302
    else:
        assert (home.status_code, rest.status_code) == (200, 200)


def test_tokens_go_on_but_are_not_made_without_a_factor(owner, settings):
    _, token = create_access_token(user=owner, name="before")
    settings.GATEHOUSE_REQUIRE_SECOND_FACTOR = "everyone"
    bearer = {"HTTP_AUTHORIZATION": f"Bearer {token}"}
    assert Client().get("/api/v1/me", **bearer).status_code == 200
    refused = Client().post("/api/v1/tokens", {"name": "new"}, content_type="application/json", **bearer)
    assert (refused.status_code, refused.json()["code"]) == (403, "second-factor-required")
    assert AccessToken.objects.count() == 1


def test_somebody_who_has_a_factor_is_let_in(guarded, settings, as_user):
    settings.GATEHOUSE_REQUIRE_SECOND_FACTOR = "everyone"
    assert as_user(guarded).get("/").status_code == 200


def test_an_admin_resets_the_factors_of_somebody_who_lost_them(guarded, admin, as_user):
    there = as_user(guarded)
    here = f"/admin/users/{guarded.public_id}"
    assert "Authenticator app" in as_user(admin).get(here).content.decode()
    assert as_user(admin).post(here, {"do": "reset", "reason": " "}).status_code == 422
    assert as_user(admin).post(here, {"do": "reset", "reason": "Lost the phone"}).status_code == 302
    assert there.get("/account").status_code == 302
    assert sign_in(guarded)[1]["Location"] == "/"
    entry = AuditEvent.objects.get(verb="user.reset_factors")
    assert (entry.actor, entry.reason, entry.before) == (admin, "Lost the phone", {"factors": ["Authenticator app"]})
    assert "Lost the phone" in Notice.objects.get(user=guarded).text


def test_only_an_admin_resets_factors(guarded, member, stranger, admin, api_as):
    path = f"/api/v1/users/{guarded.public_id}/reset-factors"
    for person in (member, stranger, guarded):
        assert api_as(person).post(path, {"reason": "x"}).status_code == 403
    assert api_as(admin).post(path, {"reason": "x"}).json()["has_second_factor"] is False
    assert api_as(admin).post(path, {"reason": "x"}).status_code == 409


def test_an_owner_sees_who_has_a_second_factor(guarded, member, team, as_user):
    assert "Second factor" in as_user(guarded).get(f"/teams/{team.slug}/members").content.decode()
    assert "Second factor" not in as_user(member).get(f"/teams/{team.slug}/members").content.decode()


def test_every_form_has_its_csrf_token(guarded, settings):
    settings.GATEHOUSE_CONSOLE_URL = "http://localhost:8000"
    client, _ = sign_in(guarded)
    pages = {"/login/second-step": client.get("/login/second-step").content.decode()}
    client.post("/login/second-step", {"code": code()})
    for path in ("/account/security", "/account/security/app", "/account/security/keys/new", "/account/confirm"):
        pages[path] = client.get(path).content.decode()
    for path, page in pages.items():
        forms = re.findall(r'<form method="post".*?</form>', page, re.DOTALL)
        assert forms, path
        assert [form[:80] for form in forms if "csrfmiddlewaretoken" not in form] == [], path


def test_staff_sign_in_where_everybody_does(guarded, as_user):
    assert as_user().get("/staff/login/")["Location"].startswith("/login")


def test_codes_of_a_step_off_either_way_are_good_and_none_is_twice():
    step = int(time.time()) // 30
    assert [matching_step(SECRET, code(steps=drift)) for drift in (-2, -1, 0, 1, 2)] == [
        None, step - 1, step, step + 1, None,
    ]  # fmt: skip
    assert matching_step(SECRET, code(), after=step) is None
    assert matching_step(SECRET, code(steps=-1), after=step) is None
    assert matching_step(SECRET, code(steps=1), after=step) == step + 1
    for wrong in ("", "１２３４５６", "12345", code() + "0"):
        assert matching_step(SECRET, wrong) is None


def test_the_services_refuse_what_makes_no_sense(guarded, admin, owner):
    from common.errors import Conflict, Invalid, NotAllowed

    with pytest.raises(NotAllowed):
        reset_factors(user=guarded, actor=owner, reason="x")
    with pytest.raises(Invalid):
        reset_factors(user=guarded, actor=admin, reason="")
    with pytest.raises(Conflict):
        reset_factors(user=admin, actor=admin, reason="x")
