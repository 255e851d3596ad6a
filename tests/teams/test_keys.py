from datetime import timedelta

import pytest

from common.clock import now
from common.errors import Conflict, Invalid, NotAllowed, NotFound, Stale
from common.sealed import hash_secret
from gateway.dataplane.keys import is_well_formed
from teams.models import AuditEvent, Credential
from teams.services.applications import create_application
from teams.services.credentials import (
    disable_credential,
    enable_credential,
    issue_credential,
    revoke_credential,
    rotate_credential,
)
from teams.services.tokens import create_access_token, revoke_access_token
from teams.signals import credential_changed

pytestmark = pytest.mark.django_db


@pytest.fixture
def application(team, developer):
    return create_application(team=team, name="Checkout", actor=developer)


def test_a_key_is_seen_once_and_kept_as_a_hash(application, developer):
    credential, key = issue_credential(application=application, name="web", actor=developer)
    assert is_well_formed(key)
    assert credential.key_hash == hash_secret(key)
    assert key not in str(Credential.objects.values().get())
    assert key not in str(list(AuditEvent.objects.values()))
    assert credential.hint.endswith(key[-4:])


def test_issuing_and_revoking_tell_the_gateway(application, developer):
    told = []

    def listen(credential, **_):
        told.append(credential.state)

    credential_changed.connect(listen)
    credential, _ = issue_credential(application=application, name="web", actor=developer)
    revoke_credential(credential=credential, actor=developer)
    credential_changed.disconnect(listen)
    assert told == ["active", "revoked"]


def test_a_key_is_revoked_once(application, developer):
    credential, _ = issue_credential(application=application, name="web", actor=developer)
    revoke_credential(credential=credential, actor=developer)
    with pytest.raises(Conflict):
        revoke_credential(credential=credential, actor=developer)


def test_revoking_one_key_leaves_the_other(application, developer):
    first, _ = issue_credential(application=application, name="web", actor=developer)
    second, _ = issue_credential(application=application, name="jobs", actor=developer)
    revoke_credential(credential=first, actor=developer)
    second.refresh_from_db()
    assert second.state == "active"


def test_an_expiry_in_the_past_is_refused(application, developer):
    with pytest.raises(Invalid):
        issue_credential(application=application, name="web", actor=developer, expires_at=now() - timedelta(days=1))


def test_a_viewer_creates_neither_application_nor_key(application, team, member):
    with pytest.raises(NotAllowed):
        create_application(team=team, name="Other", actor=member)
    with pytest.raises(NotAllowed):
        issue_credential(application=application, name="web", actor=member)


def test_a_stranger_learns_nothing(application, stranger):
    with pytest.raises(NotFound):
        issue_credential(application=application, name="web", actor=stranger)


def test_a_second_application_of_the_name_is_refused(application, team, developer):
    with pytest.raises(Conflict):
        create_application(team=team, name="Checkout", actor=developer)


def test_a_token_signs_in_until_it_is_revoked(client, developer):
    token, secret = create_access_token(user=developer, name="laptop")
    assert secret.startswith("gh_pat_")
    revoke_access_token(token_id=token.public_id, user=developer)
    token.refresh_from_db()
    assert token.revoked_at


def test_somebody_elses_token_cannot_be_revoked(developer, stranger):
    token, _ = create_access_token(user=developer, name="laptop")
    with pytest.raises(NotFound):
        revoke_access_token(token_id=token.public_id, user=stranger)


def test_a_rotated_key_is_served_beside_its_successor_for_a_while(application, developer, time_machine):
    old, _ = issue_credential(application=application, name="server", actor=developer)
    fresh, key = rotate_credential(credential=old, actor=developer, overlap=timedelta(hours=24))
    old.refresh_from_db()
    assert (old.state, fresh.state, fresh.name) == ("rotating", "active", "server")
    assert key.startswith("gh_live_")
    assert old.successor == fresh
    with pytest.raises(Conflict):
        rotate_credential(credential=old, actor=developer, overlap=timedelta(hours=1))
    time_machine.move_to(now() + timedelta(hours=25))
    assert (old.state, fresh.state) == ("expired", "active")


def test_a_key_is_disabled_and_enabled(application, developer, member, stranger):
    credential, _ = issue_credential(application=application, name="server", actor=developer)
    for person, refusal in ((member, NotAllowed), (stranger, NotFound)):
        with pytest.raises(refusal):
            disable_credential(credential=credential, actor=person)
    disable_credential(credential=credential, actor=developer, reason="Looking into it.")
    assert credential.state == "disabled"
    with pytest.raises(Conflict):
        disable_credential(credential=credential, actor=developer)
    enable_credential(credential=credential, actor=developer)
    assert (credential.state, credential.disabled_reason) == ("active", "")
    with pytest.raises(Stale):
        disable_credential(credential=credential, actor=developer, row_version=1)


def test_a_key_belongs_to_an_environment_that_there_is(application, developer):
    with pytest.raises(Invalid, match="there are production"):
        issue_credential(application=application, name="server", actor=developer, environment="moon")


def test_a_leaked_key_is_disabled_at_once_and_its_team_told(application, developer, member, api_as):
    from teams.models import Notice

    credential, key = issue_credential(application=application, name="server", actor=developer)
    client = api_as()
    assert client.post("/api/v1/leaks", {"key": key, "where": "a public repository"}).status_code == 202
    credential.refresh_from_db()
    assert credential.state == "disabled"
    assert credential.disabled_reason == "Reported as leaked at a public repository."
    notice = Notice.objects.get(user=developer)
    assert "found in the open" in notice.title
    assert key not in notice.text
    assert not Notice.objects.filter(user=member).exists()
    # Whether a key works is told to nobody.
    for other in (key, "gh_live_" + "0" * 36, "nonsense"):
        assert client.post("/api/v1/leaks", {"key": other}).status_code == 202
    assert Notice.objects.filter(user=developer).count() == 1


def test_keys_are_rotated_disabled_and_enabled_over_rest_and_by_page(application, developer, api_as, as_user):
    credential, _ = issue_credential(application=application, name="server", actor=developer)
    base = f"/api/v1/applications/{application.public_id}/credentials"
    one = f"{base}/{credential.public_id}"
    client = api_as(developer)
    etag = client.get(one)["ETag"]
    off = client.post(f"{one}/disable", {"reason": "x"}, headers={"If-Match": etag})
    assert off.json()["state"] == "disabled"
    on = client.post(f"{one}/enable", headers={"If-Match": off["ETag"]})
    assert on.json()["state"] == "active"
    page = as_user(developer)
    keys = f"/applications/{application.public_id}/keys"
    page.post(f"{keys}/{credential.public_id}/switch")
    assert "Enable" in page.get(keys).content.decode()
    page.post(f"{keys}/{credential.public_id}/switch")
    assert "goes on working" in page.get(f"{keys}/{credential.public_id}/rotate").content.decode()
    shown = page.post(f"{keys}/{credential.public_id}/rotate", {"hours": "24"}).content.decode()
    assert "gh_live_" in shown
    credential.refresh_from_db()
    assert credential.state == "rotating"
    made = client.post(f"{base}/{credential.successor.public_id}/rotate", {}, headers={"If-Match": "*"})
    assert made.status_code == 201
    assert made.json()["key"].startswith("gh_live_")
