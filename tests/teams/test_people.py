from pathlib import Path

import pytest

from common.errors import Conflict, Invalid, NotAllowed, NotFound, Stale
from teams.models import AuditEvent, Invitation, Membership, User
from teams.services.people import (
    accept_invitation,
    change_role,
    create_team,
    invite_member,
    remove_member,
    update_team,
)

pytestmark = pytest.mark.django_db(transaction=False)


def test_an_admin_creates_a_team_and_owns_it(admin):
    team = create_team(name="Orders & Co", actor=admin)
    assert team.slug == "orders-co"
    assert Membership.objects.get(team=team).role == "owner"
    assert AuditEvent.objects.get(verb="team.create", team=team).after["name"] == "Orders & Co"


def test_somebody_without_a_team_does_not_create_one(stranger):
    with pytest.raises(NotAllowed):
        create_team(name="Mine", actor=stranger)


def test_an_invitation_is_mailed_and_makes_a_member(
    owner, team, settings, django_capture_on_commit_callbacks, tmp_path
):
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = tmp_path
    with django_capture_on_commit_callbacks(execute=True):
        _, code = invite_member(team=team, email="New@Example.com", role="developer", actor=owner)
    mail = next(Path(tmp_path).iterdir()).read_text()
    assert f"/invitations/{code}" in mail
    user = accept_invitation(code=code, name="Newcomer", password="a long enough word")
    assert Membership.objects.get(user=user, team=team).role == "developer"
    assert User.objects.get(email="new@example.com").check_password("a long enough word")


def test_an_invitation_works_once_and_its_code_is_not_stored(owner, team):
    invitation, code = invite_member(team=team, email="new@example.com", role="viewer", actor=owner)
    assert code not in str(Invitation.objects.values().get())
    accept_invitation(code=code, name="Newcomer", password="a long enough word")
    with pytest.raises(NotFound):
        accept_invitation(code=code, name="Again", password="a long enough word")
    invitation.refresh_from_db()
    assert invitation.accepted_at


def test_a_weak_password_is_refused_and_the_invitation_stays_open(owner, team):
    _, code = invite_member(team=team, email="new@example.com", role="viewer", actor=owner)
    with pytest.raises(Invalid) as refusal:
        accept_invitation(code=code, name="Newcomer", password="short")
    assert refusal.value.errors[0]["pointer"] == "/password"
    assert accept_invitation(code=code, name="Newcomer", password="a long enough word").pk


def test_an_invitation_is_for_its_address_alone(owner, team, stranger):
    _, code = invite_member(team=team, email="new@example.com", role="viewer", actor=owner)
    with pytest.raises(NotAllowed):
        accept_invitation(code=code, user=stranger)


@pytest.mark.parametrize("who", ["publisher", "developer", "member"])
def test_only_an_owner_invites(request, team, who):
    with pytest.raises(NotAllowed):
        invite_member(team=team, email="new@example.com", role="viewer", actor=request.getfixturevalue(who))


def test_a_stranger_does_not_learn_that_the_team_exists(team, stranger):
    with pytest.raises(NotFound):
        invite_member(team=team, email="new@example.com", role="viewer", actor=stranger)


def test_the_last_owner_stays(owner, team, publisher):
    membership = Membership.objects.get(user=owner, team=team)
    with pytest.raises(Conflict):
        change_role(membership=membership, role="viewer", actor=owner)
    with pytest.raises(Conflict):
        remove_member(membership=membership, actor=owner)
    change_role(membership=Membership.objects.get(user=publisher), role="owner", actor=owner)
    remove_member(membership=membership, actor=owner)
    assert not Membership.objects.filter(user=owner).exists()


def test_a_settings_change_on_an_old_reading_is_refused(owner, team):
    seen = team.row_version
    update_team(team=team, actor=owner, row_version=seen, name="Payments EU")
    with pytest.raises(Stale):
        update_team(team=team, actor=owner, row_version=seen, name="Payments US")
    team.refresh_from_db()
    assert team.name == "Payments EU"
