from datetime import timedelta

import pytest

from common.clock import now
from common.errors import Conflict, Invalid, NotAllowed, NotFound
from common.sealed import hash_secret
from gateway.dataplane.keys import is_well_formed
from teams.models import AuditEvent, Credential
from teams.services.applications import create_application
from teams.services.credentials import issue_credential, revoke_credential
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
