import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from common.errors import Conflict, Invalid, NotAllowed, Stale
from common.sealed import sealer
from gateway.dataplane.keys import SealError
from providers.models import Model, Provider, ProviderKey
from providers.services.providers import (
    add_provider_key,
    create_provider,
    revoke_provider_key,
    secret_header,
    try_provider,
    update_provider,
)
from teams.models import AuditEvent

pytestmark = pytest.mark.django_db
BASE = "http://127.0.0.1:9/v1"


def test_a_provider_comes_with_its_key_and_models_and_tells_the_gateway(admin, told):
    made = create_provider(name="Open Router", base_url=f"{BASE}/", secret="sk-1", models=["a", "org/b"], actor=admin)
    assert (made.slug, made.base_url) == ("open-router", BASE)
    assert [row.wire_name for row in made.models.order_by("name")] == ["open-router/a", "open-router/org/b"]
    assert told == ["provider_changed", "provider_key_changed", "model_changed", "model_changed"]


def test_a_half_made_provider_is_not_left_behind(admin):
    with pytest.raises(Conflict):
        create_provider(name="Twice", base_url=BASE, models=["a", "a"], actor=admin)
    assert not Provider.objects.filter(slug="twice").exists()


def test_a_second_provider_of_the_slug_is_refused(provider, admin):
    with pytest.raises(Conflict) as refusal:
        create_provider(name="Local", base_url=BASE, actor=admin)
    assert refusal.value.code == "name-taken"


@pytest.mark.parametrize(
    "url", ["http://model:8091/v1", "http://localhost:1/v1", "http://[::1]:1/v1", "https://a.b/v1"]
)
def test_any_callable_base_url_is_taken(admin, url):
    assert create_provider(name="P", base_url=url, actor=admin).base_url == url


@pytest.mark.parametrize(
    "url", ["ftp://host/v1", "host/v1", "http://u:p@host/v1", "http://169.254.169.254/v1", "https://a.b/v1?x=1", ""]
)
def test_a_base_url_that_cannot_be_called_is_refused_with_its_field(admin, api_as, url):
    answer = api_as(admin).post("/api/v1/providers", {"name": "P", "base_url": url})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/base_url"


@pytest.mark.parametrize("who", ["owner", "stranger"])
def test_only_a_platform_admin_writes_providers(provider, request, who):
    actor = request.getfixturevalue(who)
    key = provider.keys.get()
    writes = (
        lambda: create_provider(name="Mine", base_url=BASE, actor=actor),
        lambda: update_provider(provider=provider, actor=actor, name="Mine"),
        lambda: add_provider_key(provider=provider, name="x", secret="sk-2", actor=actor),
        lambda: revoke_provider_key(key=key, actor=actor),
        lambda: try_provider(provider=provider, actor=actor),
    )
    for write in writes:
        with pytest.raises(NotAllowed):
            write()


def test_a_secret_is_sealed_to_its_row_and_stands_in_no_log(provider):
    key = provider.keys.get()
    stored = bytes(ProviderKey.objects.get().sealed)
    assert b"sk-first-secret" not in stored
    assert sealer().open(stored, context=f"provider_key:{key.public_id}") == b"sk-first-secret"
    with pytest.raises(SealError):
        sealer().open(stored, context="provider_key:pk_other")
    assert "sk-first-secret" not in str(list(AuditEvent.objects.values()))
    assert key.last_four == "cret"


def test_the_newest_active_key_is_used(provider, admin):
    second = add_provider_key(provider=provider, name="second", secret="sk-second-secret", actor=admin)
    assert secret_header(provider) == {"authorization": "Bearer sk-second-secret"}
    revoke_provider_key(key=second, actor=admin)
    assert secret_header(provider) == {"authorization": "Bearer sk-first-secret"}
    with pytest.raises(Conflict):
        revoke_provider_key(key=second, actor=admin)


@pytest.mark.parametrize("secret", ["", "two\nlines", "ümlaut", "x" * 5000])
def test_a_key_that_cannot_stand_in_a_header_is_refused(provider, admin, secret):
    with pytest.raises(Invalid):
        add_provider_key(provider=provider, name="x", secret=secret, actor=admin)


def test_a_change_is_audited_before_and_after_and_refused_on_an_old_reading(provider, admin, told):
    seen = provider.row_version
    update_provider(provider=provider, actor=admin, row_version=seen, is_active=False)
    entry = AuditEvent.objects.get(verb="provider.update")
    assert (entry.before["is_active"], entry.after["is_active"]) == (True, False)
    assert told[-1] == "provider_changed"
    with pytest.raises(Stale):
        update_provider(provider=provider, actor=admin, row_version=seen, name="Late")


class Listing(BaseHTTPRequestHandler):
    """Answers GET /v1/models to who sends the right key."""

    def do_GET(self) -> None:
        is_known = self.headers["authorization"] == "Bearer sk-good"
        body = {"data": [{"id": "a"}, {"id": "b"}]} if is_known else {"error": {"message": "Incorrect API key"}}
        content = json.dumps(body).encode() if self.path == "/v1/models" else b"<html>"
        self.send_response(200 if is_known else 401)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args) -> None:
        pass


@pytest.fixture
def listing():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Listing)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_test_lists_the_models_or_tells_the_providers_own_words(listing, admin):
    made = create_provider(name="P", base_url=f"{listing}/v1", secret="sk-bad", actor=admin)
    refused = try_provider(provider=made, actor=admin)
    assert (refused.is_working, refused.status) == (False, 401)
    assert "Incorrect API key" in refused.words
    add_provider_key(provider=made, name="good", secret="sk-good", actor=admin)
    assert try_provider(provider=made, actor=admin).models == ("a", "b")
    update_provider(provider=made, actor=admin, base_url=f"{listing}/other")
    assert not try_provider(provider=made, actor=admin).is_working


def test_a_provider_that_is_down_is_told_as_a_sentence(provider, admin):
    answer = try_provider(provider=provider, actor=admin)
    assert (answer.is_working, answer.status) == (False, 0)
    assert "cannot be reached" in answer.words


def test_models_of_a_provider_leave_with_it(provider):
    provider.delete()
    assert not Model.objects.exists()
