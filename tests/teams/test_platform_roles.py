import threading

import pytest
from django.db import connection

from common.errors import Conflict, NotAllowed
from teams.models import AuditEvent, PlatformRole, User
from teams.services.departures import deactivate_person
from teams.services.platform_roles import change_platform_role

pytestmark = pytest.mark.django_db
ADMIN, AUDITOR, NONE = PlatformRole.ADMIN, PlatformRole.AUDITOR, PlatformRole.NONE


def test_an_admin_names_others_and_the_last_one_stays(admin, owner):
    change_platform_role(user=owner, role=ADMIN, actor=admin)
    assert User.objects.get(pk=owner.pk).platform_role == "admin"
    change_platform_role(user=admin, role=AUDITOR, actor=owner)
    admin.refresh_from_db()
    assert (admin.is_platform_admin, admin.is_staff, admin.is_superuser, admin.is_auditor) == (
        False,
        False,
        False,
        True,
    )
    with pytest.raises(Conflict, match="needs a platform admin"):
        change_platform_role(user=owner, role=NONE, actor=owner)
    with pytest.raises(NotAllowed):
        change_platform_role(user=admin, role=ADMIN, actor=admin)
    assert AuditEvent.objects.filter(verb="user.change_role").count() == 2


@pytest.mark.django_db(transaction=True)
def test_of_two_admins_who_take_the_other_away_at_once_one_stays(admin, make_user):
    other = make_user("other", is_platform_admin=True)
    barrier = threading.Barrier(2, timeout=20)
    outcomes: list[str] = []

    def take_away(pk: int, actor_pk: int) -> None:
        try:
            user, actor = User.objects.get(pk=pk), User.objects.get(pk=actor_pk)
            barrier.wait()
            if actor.name == "Admin":
                change_platform_role(user=user, role=NONE, actor=actor)
            else:
                deactivate_person(user=user, successor=actor, actor=actor)
            outcomes.append("done")
        except Conflict as error:
            outcomes.append(error.code)
        finally:
            connection.close()

    pairs = [(other.pk, admin.pk), (admin.pk, other.pk)]
    threads = [threading.Thread(target=take_away, args=pair) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(outcomes) == ["done", "last-owner"]
    assert User.objects.filter(is_platform_admin=True, is_active=True).count() == 1


def test_the_same_role_again_is_no_change(admin, owner):
    change_platform_role(user=owner, role=NONE, actor=admin)
    assert not AuditEvent.objects.filter(verb="user.change_role").exists()


def test_who_is_deactivated_gets_no_role(admin, owner):
    User.objects.filter(pk=owner.pk).update(is_active=False)
    with pytest.raises(Conflict, match="deactivated"):
        change_platform_role(user=owner, role=AUDITOR, actor=admin)


def test_the_role_is_given_on_the_page_and_over_rest(admin, owner, member, as_user, api_as):
    client = as_user(admin)
    page = f"/admin/users/{member.public_id}"
    assert "Role in the whole installation" in client.get(page).content.decode()
    assert client.post(page, {"do": "role", "platform_role": "auditor"}).status_code == 302
    assert client.post(page, {"do": "role", "platform_role": "king"}).status_code == 422
    assert "Auditor" in client.get("/admin/users").content.decode()
    path = f"/api/v1/users/{member.public_id}/role"
    answer = api_as(admin).post(path, {"platform_role": "none"}, format="json")
    assert answer.json()["platform_role"] == "none"
    assert api_as(admin).post(path, {"platform_role": "king"}, format="json").status_code == 422
    assert api_as(owner).post(path, {"platform_role": "admin"}, format="json").status_code == 403
