import json
from datetime import timedelta

import pytest
from standardwebhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from common.clock import now
from common.errors import Conflict, Invalid, NotAllowed, NotFound, Stale
from teams.models import AuditEvent, Delivery, Event, Notice, Webhook
from teams.services.deliveries import RETRY_SECONDS, deliver_due, due_webhooks, fan_out
from teams.services.events import write_event
from teams.services.webhooks import (
    create_webhook,
    delete_webhook,
    replay_delivery,
    rotate_secret,
    send_test,
    update_webhook,
)
from tests.gateway.web import Web

pytestmark = pytest.mark.django_db


class Receiver:
    """A receiver on loopback that keeps what it got and answers what it is told to."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.status = 200
        self.web = Web(self._answer)

    def _answer(self, headers, body):
        self.got.append(({name.lower(): value for name, value in headers.items()}, body))
        return self.status, b"thank you"


@pytest.fixture
def receiver():
    made = Receiver()
    yield made
    made.web.stop()


@pytest.fixture
def hook(receiver, team, owner):
    webhook, secret = create_webhook(team=team, url=receiver.web.url, actor=owner)
    webhook.plain = secret
    return webhook


def work() -> int:
    fan_out()
    return sum(deliver_due(webhook) for webhook in due_webhooks())


def test_an_event_arrives_signed_as_the_library_of_the_standard_checks(hook, receiver, team, owner):
    event = write_event(type="key.created", target=team, team=team, actor=owner, data={"after": {"name": "Ünï"}})
    assert work() == 1
    headers, body = receiver.got[0]
    payload = Verifier(hook.plain).verify(body, headers)
    assert payload["type"] == "key.created"
    assert payload["id"] == headers["webhook-id"] == event.public_id
    assert payload["data"]["after"] == {"name": "Ünï"}
    assert payload["data"]["subject"] == {"type": "team", "id": team.public_id, "name": "Payments"}
    with pytest.raises(WebhookVerificationError):
        Verifier(hook.plain).verify(body + b" ", headers)
    delivery = Delivery.objects.get()
    assert delivery.state == "delivered"
    assert delivery.attempts[0]["answer"] == "thank you"
    assert work() == 0


def test_only_chosen_types_of_the_own_team_and_from_now_on(receiver, team, owner):
    from teams.models import Team

    write_event(type="key.created", target=team, team=team)
    create_webhook(team=team, url=receiver.web.url, actor=owner, event_types=["key.revoked"])
    other = Team.objects.create(slug="other", name="Other")
    write_event(type="key.revoked", target=other, team=other)
    write_event(type="key.created", target=team, team=team)
    write_event(type="key.revoked", target=team, team=team)
    work()
    assert [json.loads(body)["type"] for _, body in receiver.got] == ["key.revoked"]


def test_a_failed_delivery_is_tried_again_and_given_up_in_the_end(hook, receiver, team, time_machine):
    receiver.status = 500
    write_event(type="key.created", target=team, team=team)
    moment = now()
    for wait in (0, *RETRY_SECONDS):
        moment += timedelta(seconds=wait + 1)
        time_machine.move_to(moment, tick=False)
        # A webhook that fails for five days is stopped; that has its own test.
        Webhook.objects.update(failing_since=None)
        assert work() == 1
        assert work() == 0
    delivery = Delivery.objects.get()
    assert delivery.state == "failed"
    assert [attempt["status"] for attempt in delivery.attempts] == [500] * 10
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1


def test_a_receiver_that_is_back_gets_what_waited(hook, receiver, team, time_machine):
    receiver.status = 503
    write_event(type="key.created", target=team, team=team)
    work()
    receiver.status = 204
    time_machine.move_to(now() + timedelta(seconds=6))
    work()
    hook.refresh_from_db()
    assert Delivery.objects.get().state == "delivered"
    assert hook.failing_since is None


def test_no_answer_is_logged_with_its_reason(team, owner):
    create_webhook(team=team, url="http://127.0.0.1:9/none", actor=owner)
    write_event(type="key.created", target=team, team=team)
    work()
    attempt = Delivery.objects.get().attempts[0]
    assert attempt["status"] == 0
    assert "cannot be reached" in attempt["error"]


def test_410_and_five_failing_days_stop_a_webhook_and_tell_its_owners(hook, receiver, team, owner):
    receiver.status = 410
    write_event(type="key.created", target=team, team=team)
    work()
    hook.refresh_from_db()
    assert not hook.is_active
    assert hook.stopped_reason == "It answered 410 Gone."
    assert Notice.objects.get(user=owner).title.endswith("was stopped")
    update_webhook(
        webhook=hook, actor=owner, row_version=hook.row_version, url=hook.url, description="", event_types=[],
        is_active=True,
    )  # fmt: skip
    assert hook.stopped_reason == ""
    receiver.status = 500
    Webhook.objects.update(failing_since=now() - timedelta(days=6))
    write_event(type="key.created", target=team, team=team)
    work()
    hook.refresh_from_db()
    assert not hook.is_active
    assert "Nothing was delivered since" in hook.stopped_reason


def test_a_stopped_webhook_goes_on_from_now(hook, receiver, team, owner):
    changes = {"url": hook.url, "description": "", "event_types": [], "actor": owner}
    update_webhook(webhook=hook, row_version=hook.row_version, is_active=False, **changes)
    write_event(type="key.created", target=team, team=team)
    work()
    update_webhook(webhook=hook, row_version=hook.row_version, is_active=True, **changes)
    work()
    # What changed the webhook itself is no event.
    assert receiver.got == []


def test_a_new_secret_signs_beside_the_old_for_a_day(hook, receiver, team, owner, time_machine):
    _, fresh = rotate_secret(webhook=hook, actor=owner, row_version=hook.row_version)
    write_event(type="key.created", target=team, team=team)
    work()
    headers, body = receiver.got[0]
    Verifier(hook.plain).verify(body, headers)
    Verifier(fresh).verify(body, headers)
    Webhook.objects.update(previous_until=now())
    write_event(type="key.created", target=team, team=team)
    work()
    headers, body = receiver.got[1]
    Verifier(fresh).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Verifier(hook.plain).verify(body, headers)


def test_a_replay_sends_the_same_event_again(hook, receiver, team, owner):
    write_event(type="key.created", target=team, team=team)
    fan_out()
    with pytest.raises(Conflict):
        replay_delivery(delivery=Delivery.objects.get(), actor=owner)
    work()
    replay_delivery(delivery=Delivery.objects.get(), actor=owner)
    work()
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1
    assert len(receiver.got) == 2


def test_a_test_goes_to_its_webhook_alone(hook, receiver, team, owner):
    create_webhook(team=team, url=f"{receiver.web.url}/other", actor=owner)
    send_test(webhook=hook, actor=owner)
    work()
    assert [json.loads(body)["type"] for _, body in receiver.got] == ["webhook.test"]


def test_the_log_and_the_audit_hold_neither_secret_nor_query(hook, receiver, team, owner):
    webhook, secret = create_webhook(team=team, url=f"{receiver.web.url}/?token=hush", actor=owner)
    entries = str(list(AuditEvent.objects.values_list("before", "after")))
    assert "hush" not in entries
    assert secret not in entries
    assert secret.removeprefix("whsec_").encode() not in bytes(Webhook.objects.get(pk=webhook.pk).secret)


def test_addresses_and_types_are_checked(team, owner, member, stranger, hook):
    with pytest.raises(Invalid) as caught:
        create_webhook(team=team, url="http://169.254.169.254/", actor=owner, event_types=["no.such"])
    assert [error["pointer"] for error in caught.value.errors] == ["/url", "/event_types"]
    with pytest.raises(NotAllowed):
        create_webhook(team=team, url="https://example.com", actor=member)
    with pytest.raises(NotFound):
        delete_webhook(webhook=hook, actor=stranger)
    with pytest.raises(Stale):
        rotate_secret(webhook=hook, actor=owner, row_version=99)


def test_over_rest_the_secret_is_seen_once(team, owner, member, receiver, api_as):
    client, base = api_as(owner), f"/api/v1/teams/{team.slug}/webhooks"
    made = client.post(base, {"url": receiver.web.url, "event_types": ["key.created"]})
    assert made.status_code == 201
    assert made.json()["secret"].startswith("whsec_")
    assert made["Cache-Control"] == "no-store"
    one = f"{base}/{made.json()['id']}"
    assert "secret" not in client.get(one).json()
    assert client.patch(one, {"description": "CI"}).status_code == 428
    changed = client.patch(one, {"description": "CI"}, headers={"If-Match": made["ETag"]})
    assert (changed.status_code, changed.json()["event_types"]) == (200, ["key.created"])
    assert client.post(f"{one}/test").status_code == 202
    work()
    log = client.get(f"{one}/deliveries").json()["results"]
    assert log[0]["attempts"][0]["status"] == 200
    assert client.post(f"{one}/deliveries/{log[0]['id']}/replay").status_code == 202
    rotated = client.post(f"{one}/rotate-secret", headers={"If-Match": changed["ETag"]})
    assert rotated.json()["secret"] != made.json()["secret"]
    assert api_as(member).get(one).status_code == 404
    assert client.delete(one, headers={"If-Match": rotated["ETag"]}).status_code == 204
    assert not Event.objects.filter(team=team).exclude(type="webhook.test").exists()


def test_the_pages_add_try_rotate_replay_and_delete(team, owner, member, receiver, as_user):
    client, base = as_user(owner), f"/teams/{team.slug}/webhooks"
    page = client.post(base, {"url": receiver.web.url, "description": "CI", "event_types": []})
    assert "whsec_" in page.content.decode()
    assert "whsec_" not in client.get(base).content.decode()
    hook = Webhook.objects.get()
    here = f"{base}/{hook.public_id}"
    client.post(f"{here}/test")
    work()
    assert "200 in" in client.get(here).content.decode()
    client.post(f"{here}/deliveries/{Delivery.objects.get().public_id}/replay")
    assert "Replay" in client.get(here).content.decode()
    assert "whsec_" in client.post(f"{here}/secret").content.decode()
    hook.refresh_from_db()
    fields = {"url": "ftp://x", "description": "CI", "row_version": hook.row_version, "form_token": "f" * 24}
    bad = client.post(here, fields)
    assert bad.status_code == 422
    assert "ftp://x" in bad.content.decode()
    assert as_user(member).get(here).status_code == 403
    assert "2 deliveries" in client.get(f"{here}/delete").content.decode()
    client.post(f"{here}/delete")
    assert not Webhook.objects.exists()
