"""The pages of the tree: the list with its numbers, breadcrumbs, members from above, moving, deleting."""

import re

import pytest

from teams.models import Membership, Team
from teams.services.people import create_team

pytestmark = pytest.mark.django_db
TOKEN = {"form_token": "t" * 32}


def words_of(answer, status=200):
    assert answer.status_code == status
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


@pytest.fixture
def below(owner, team):
    return create_team(name="Payments EU", parent=team, actor=owner)


@pytest.fixture
def local(make_user, below):
    return make_user("local", below, "developer")


def test_the_list_is_a_tree_whose_numbers_count_below_and_people_once(owner, team, below, local, as_user):
    Membership.objects.create(user=owner, team=below, role="viewer")
    text = words_of(as_user(owner).get("/teams"))
    assert text.index("Payments Hide 1 team") < text.index("Payments EU")
    assert "Payments Hide 1 team below Payments 2 0 0 Payments EU 2 0 0" in text


def test_a_folded_team_hides_what_lies_below_and_the_address_says_so(owner, team, below, as_user):
    text = words_of(as_user(owner).get("/teams?fold=payments"))
    assert "Show 1 team" in text
    assert "Payments EU" not in text


def test_words_find_a_team_on_any_level(owner, team, below, as_user):
    assert "Payments EU" in words_of(as_user(owner).get("/teams?q=EU"))


def test_a_member_below_sees_their_own_branch_and_no_link_above(local, team, below, as_user):
    client = as_user(local)
    assert "Hide" not in words_of(client.get("/teams"))
    page = client.get("/teams/payments-eu").content.decode()
    assert "<li>Payments</li>" in page
    assert 'href="/teams/payments"' not in page
    assert client.get("/teams/payments").status_code == 404


def test_members_from_above_are_shown_with_where_from(owner, team, below, local, as_user):
    text = words_of(as_user(local).get("/teams/payments-eu/members"))
    assert "Owner Owner from Payments" in text


def test_a_team_is_made_below_another_on_the_page(owner, member, team, as_user):
    fields = {"name": "Payments US", "required_approvals": 0, "minimum_notice_days": 0}
    answer = as_user(owner).post("/teams/new?below=payments", {**TOKEN, **fields})
    assert answer.status_code == 303
    assert Team.objects.get(slug="payments-us").parent == team
    refused = as_user(member).post("/teams/new?below=payments", {**TOKEN, **fields, "name": "Other"})
    assert refused.status_code == 403


def test_a_laxer_team_below_is_told_beside_the_field(owner, team, as_user):
    Team.objects.filter(pk=team.pk).update(required_approvals=2)
    fields = {"name": "Payments US", "required_approvals": 0, "minimum_notice_days": 0}
    text = words_of(as_user(owner).post("/teams/new?below=payments", {**TOKEN, **fields}), 422)
    assert "Payments is stricter (approvals)" in text


def test_a_move_says_whom_it_hits_before_the_button(admin, owner, team, below, local, member, as_user):
    target = create_team(name="Top", actor=admin, required_approvals=0, minimum_notice_days=0)
    url = "/teams/payments/place"
    text = words_of(as_user(admin).get(url))
    assert text.index("Payments and 1 team below it move, with 3 members.") < text.index("Move Payments Cancel")
    assert as_user(member).get(url).status_code == 403
    data = {**TOKEN, "parent": target.pk, "row_version": team.row_version}
    assert as_user(admin).post(url, data).status_code == 303
    below.refresh_from_db()
    assert below.ancestor_ids == [target.pk, team.pk]


def test_a_place_below_itself_is_not_offered(owner, team, below, as_user):
    assert "Payments EU</option>" not in as_user(owner).get("/teams/payments/place").content.decode()


def test_a_team_below_is_deleted_on_the_page(owner, local, below, as_user):
    assert as_user(local).post("/teams/payments-eu/delete", TOKEN).status_code == 403
    assert as_user(owner).post("/teams/payments-eu/delete", TOKEN).status_code == 303
    assert not Team.objects.filter(slug="payments-eu").exists()


def test_the_tree_is_asked_for_as_often_however_large(owner, team, as_user, django_assert_max_num_queries):
    place = team
    for number in range(4):
        place = create_team(name=f"Level {number}", parent=place, actor=owner)
    for number in range(20):
        create_team(name=f"Leaf {number}", parent=team, actor=owner)
    client = as_user(owner)
    client.get("/teams")
    with django_assert_max_num_queries(8):
        assert "Level 3" in words_of(client.get("/teams"))
