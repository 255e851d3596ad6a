"""The role pages: the matrix, new, change with whom it hits, delete with a replacement."""

import pytest

from teams.models import CustomRole, Membership

pytestmark = pytest.mark.django_db
TOKEN = {"form_token": "t" * 32}


@pytest.fixture
def captain(team, developer):
    role = CustomRole.objects.create(
        team=team, slug="captain", name="Release captain", permissions=["team.view", "apis.publish"]
    )
    Membership.objects.filter(user=developer).update(role="", custom_role=role)
    return role


def text(answer, status=200):
    assert answer.status_code == status
    return answer.content.decode()


def test_a_team_reads_its_roles_and_an_owner_may_make_one(owner, member, stranger, team, captain, as_user):
    page = text(as_user(owner).get("/teams/payments/roles"))
    assert "Release captain" in page
    assert "/teams/payments/roles/new" in page
    seen = text(as_user(member).get("/teams/payments/roles"))
    assert "Release captain" in seen
    assert "/roles/new" not in seen
    assert as_user(stranger).get("/teams/payments/roles").status_code == 404
    assert as_user(member).get("/teams/payments/roles/new").status_code == 403


def test_an_owner_makes_a_role_on_the_page(owner, team, as_user):
    data = {**TOKEN, "name": "Keys only", "permissions": ["keys.manage"]}
    assert as_user(owner).post("/teams/payments/roles/new", data).status_code == 303
    assert CustomRole.objects.get(slug="keys-only").permissions == ["team.view", "keys.manage"]


def test_the_page_names_whom_a_change_hits_before_the_button(owner, captain, as_user):
    page = text(as_user(owner).get(f"/teams/payments/roles/{captain.public_id}"))
    assert page.index("1 member of 1 team has this role.") < page.index("Save role for 1 member")
    assert "Developer</th>" in page


def test_a_change_saves_and_an_old_reading_is_told(owner, captain, as_user):
    url = f"/teams/payments/roles/{captain.public_id}"
    data = {**TOKEN, "name": "Captain", "permissions": ["apis.review"], "row_version": captain.row_version}
    assert as_user(owner).post(url, data).status_code == 303
    captain.refresh_from_db()
    assert captain.permissions == ["team.view", "apis.review"]
    assert as_user(owner).post(url, {**data, "form_token": "u" * 32}).status_code == 412


def test_a_role_in_use_is_deleted_with_the_role_they_get(owner, developer, captain, as_user):
    url = f"/teams/payments/roles/{captain.public_id}"
    assert as_user(owner).post(url, {**TOKEN, "do": "delete", "replacement": ""}).status_code == 422
    done = as_user(owner).post(url, {"form_token": "v" * 32, "do": "delete", "replacement": "developer"})
    assert done.status_code == 303
    assert Membership.objects.get(user=developer).role == "developer"
    assert not CustomRole.objects.exists()


def test_the_installations_roles_are_a_platform_admins(admin, owner, make_user, as_user):
    assert as_user(owner).get("/admin/roles").status_code == 403
    auditor = make_user("auditor", is_auditor=True)
    assert "New role" not in text(as_user(auditor).get("/admin/roles"))
    data = {**TOKEN, "name": "Billing", "permissions": ["costs.view"]}
    assert as_user(admin).post("/admin/roles/new", data).status_code == 303
    role = CustomRole.objects.get()
    assert role.team is None
    assert "Billing" in text(as_user(admin).get("/admin/roles"))
    assert as_user(owner).get(f"/teams/payments/roles/{role.public_id}").status_code == 404


def test_the_members_page_offers_custom_roles_and_explains_them(owner, member, developer, captain, as_user):
    page = text(as_user(owner).get("/teams/payments/members"))
    assert '<option value="captain" selected>Release captain</option>' in page
    assert "See the team, publish APIs" in page
    done = as_user(owner).post(f"/teams/payments/members/{member.public_id}", {"role": "captain"})
    assert done.status_code == 302
    assert Membership.objects.get(user=member).custom_role == captain


def test_the_pages_of_a_role_show_only_what_it_may(developer, captain, draft, as_user):
    client = as_user(developer)
    assert "New plan" not in text(client.get("/workspace/payments/orders/plans"))
    assert "Save settings" not in text(client.get("/workspace/payments/orders/settings"))
    page = text(client.get("/workspace/payments/orders/v1"))
    assert "Only a developer of Payments may do this." in page


def test_pages_ask_as_often_for_many_members_as_for_few(
    owner, team, captain, make_user, as_user, django_assert_max_num_queries
):
    for number in range(20):
        Membership.objects.create(user=make_user(f"p{number}"), team=team, custom_role=captain)
    client = as_user(owner)
    for page in ("members", "roles", f"roles/{captain.public_id}"):
        with django_assert_max_num_queries(15):
            client.get(f"/teams/payments/{page}")


def test_who_manages_members_alone_is_offered_no_more_than_they_have(owner, team, make_user, as_user):
    lead = make_user("lead")
    role = CustomRole.objects.create(
        team=team, slug="lead", name="People lead", permissions=["team.view", "members.manage"]
    )
    Membership.objects.create(user=lead, team=team, custom_role=role)
    page = text(as_user(lead).get("/teams/payments/members"))
    assert '<option value="lead"' in page
    assert '<option value="owner"' not in page
    assert page.count("Change role") == 1
    form = text(as_user(lead).get("/teams/payments/roles/new"))
    assert 'value="team.manage" disabled' in form
    assert 'value="members.manage">' in form
