"""Teams, people, applications, keys and tokens over REST, as owner, member and stranger."""

import pytest

from teams.models import AccessToken, Credential, Invitation, Membership
from teams.services.applications import create_application
from teams.services.credentials import issue_credential
from teams.services.people import invite_member

pytestmark = pytest.mark.django_db
URL = "/api/v1"


def write(client, method: str, path: str, body=None, tag: str | None = None):
    """Send a write with the row's tag, read just before unless given."""
    tag = tag or client.get(f"{URL}/{path}")["ETag"]
    return getattr(client, method)(f"{URL}/{path}", body, headers={"if-match": tag})


@pytest.fixture
def application(team, developer):
    return create_application(team=team, name="Checkout", actor=developer)


@pytest.fixture
def key(application, developer):
    return issue_credential(application=application, name="web", actor=developer)[0]


def test_a_team_is_read_by_id_and_slug_and_not_by_strangers(team, member, stranger, api_as):
    for name in (team.public_id, team.slug):
        assert api_as(member).get(f"{URL}/teams/{name}").json()["id"] == team.public_id
        assert api_as(stranger).get(f"{URL}/teams/{name}").status_code == 404
    assert api_as(stranger).get(f"{URL}/teams").json()["results"] == []


def test_an_admin_creates_a_team_and_a_second_of_the_slug_is_refused(admin, stranger, api_as):
    body = {"name": "Shop", "required_approvals": 0}
    made = api_as(admin).post(f"{URL}/teams", body)
    assert (made.status_code, made.json()["slug"], made["ETag"]) == (201, "shop", '"1"')
    assert api_as(admin).post(f"{URL}/teams", body).json()["code"] == "name-taken"
    assert api_as(stranger).post(f"{URL}/teams", {"name": "Mine"}).status_code == 403


def test_a_teams_rules_are_its_owners(team, owner, publisher, stranger, api_as):
    path = f"teams/{team.public_id}"
    assert write(api_as(owner), "patch", path, {"minimum_notice_days": 9}).json()["minimum_notice_days"] == 9
    assert write(api_as(publisher), "patch", path, {"minimum_notice_days": 0}).status_code == 403
    assert write(api_as(stranger), "patch", path, {"minimum_notice_days": 0}, tag="*").status_code == 404
    team.refresh_from_db()
    assert team.minimum_notice_days == 9


def test_a_write_without_or_with_an_old_tag_is_refused(team, owner, api_as):
    client, path = api_as(owner), f"{URL}/teams/{team.public_id}"
    assert client.patch(path, {"name": "New"}).json()["code"] == "if-match-missing"
    assert client.patch(path, {"name": "New"}, headers={"if-match": '"0"'}).status_code == 412


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("patch", "me"), ("patch", "teams/{team}"), ("patch", "teams/{team}/members/{member}"),
        ("delete", "teams/{team}/members/{member}"), ("delete", "teams/{team}/invitations/{invitation}"),
        ("patch", "applications/{app}"), ("post", "applications/{app}/credentials/{key}/revoke"),
        ("delete", "tokens/{token}"),
    ],
)  # fmt: skip
def test_every_write_to_a_row_needs_its_tag(method, path, team, owner, member, application, key, api_as):
    invitation, _ = invite_member(team=team, email="new@example.com", role="viewer", actor=owner)
    token = AccessToken.objects.create(user=owner, name="laptop", token_hash="x" * 64, hint="gh_pat")
    path = path.format(
        team=team.public_id, member=member.public_id, invitation=invitation.public_id, app=application.public_id,
        key=key.public_id, token=token.public_id,
    )  # fmt: skip
    client = api_as(owner)
    assert getattr(client, method)(f"{URL}/{path}").status_code == 428
    assert getattr(client, method)(f"{URL}/{path}", headers={"if-match": '"old"'}).status_code == 412


def test_an_invitation_shows_its_link_once_and_makes_a_member(team, owner, publisher, stranger, api_as):
    path, body = f"{URL}/teams/{team.public_id}/invitations", {"email": "new@example.com", "role": "developer"}
    made = api_as(owner).post(path, body)
    assert made.status_code == 201
    assert made["Cache-Control"] == "no-store"
    assert "url" not in api_as(owner).get(path).json()["results"][0]
    assert api_as(publisher).post(path, body).status_code == 403
    assert api_as(stranger).post(path, body).status_code == 404
    code = made.json()["url"].rsplit("/", 1)[1]
    assert code not in str(Invitation.objects.values().get())
    joined = api_as().post(f"{URL}/invitations/accept", {"code": code, "name": "New", "password": "a long enough word"})
    assert joined.status_code == 200
    assert Membership.objects.get(user__email="new@example.com").role == "developer"
    assert api_as().post(f"{URL}/invitations/accept", {"code": code, "name": "N", "password": "p"}).status_code == 404


def test_an_invitation_is_withdrawn_by_an_owner_alone(team, owner, member, stranger, api_as):
    invitation, _ = invite_member(team=team, email="new@example.com", role="viewer", actor=owner)
    path = f"teams/{team.public_id}/invitations/{invitation.public_id}"
    assert write(api_as(member), "delete", path).status_code == 403
    assert write(api_as(stranger), "delete", path, tag="*").status_code == 404
    assert write(api_as(owner), "delete", path).status_code == 204
    assert api_as(owner).get(f"{URL}/{path}").status_code == 404


def test_roles_are_given_and_taken_by_an_owner_alone(team, owner, member, developer, stranger, api_as):
    path = f"teams/{team.public_id}/members/{developer.public_id}"
    for who, status in ((member, 403), (owner, 200)):
        assert write(api_as(who), "patch", path, {"role": "publisher"}).status_code == status
    assert write(api_as(stranger), "patch", path, {"role": "owner"}, tag="*").status_code == 404
    assert Membership.objects.get(user=developer).role == "publisher"
    assert write(api_as(owner), "patch", path, {"role": "king"}).status_code == 422
    assert write(api_as(member), "delete", path).status_code == 403
    assert write(api_as(owner), "delete", path).status_code == 204
    last = write(api_as(owner), "delete", f"teams/{team.public_id}/members/{owner.public_id}")
    assert (last.status_code, last.json()["code"]) == (409, "last-owner")


def test_a_role_read_before_it_was_changed_is_not_written_over(team, owner, developer, api_as):
    path = f"teams/{team.public_id}/members/{developer.public_id}"
    old = api_as(owner).get(f"{URL}/{path}")["ETag"]
    assert write(api_as(owner), "patch", path, {"role": "viewer"}).status_code == 200
    assert write(api_as(owner), "patch", path, {"role": "owner"}, tag=old).status_code == 412


def test_a_member_leaves_without_asking(team, owner, member, api_as):
    path = f"teams/{team.public_id}/members/{member.public_id}"
    assert write(api_as(member), "delete", path).status_code == 204
    assert api_as(member).get(f"{URL}/{path}").status_code == 404


def test_applications_are_made_and_renamed_by_developers(team, developer, member, stranger, api_as):
    body = {"team": team.slug, "name": "Shop"}
    assert api_as(member).post(f"{URL}/applications", body).status_code == 403
    assert api_as(stranger).post(f"{URL}/applications", body).status_code == 404
    made = api_as(developer).post(f"{URL}/applications", body)
    assert made.status_code == 201
    path = f"applications/{made.json()['id']}"
    assert write(api_as(developer), "patch", path, {"description": "Sells"}).json()["name"] == "Shop"
    assert write(api_as(member), "patch", path, {"name": "Mine"}).status_code == 403
    assert api_as(stranger).get(f"{URL}/{path}").status_code == 404


def test_applications_are_found_by_team_and_words(team, developer, application, api_as):
    create_application(team=team, name="Batch jobs", actor=developer)
    client = api_as(developer)

    def names(query):
        return [row["name"] for row in client.get(f"{URL}/applications?{query}").json()["results"]]

    assert names("q=batch") == ["Batch jobs"]
    assert names(f"team={team.public_id}") == ["Batch jobs", "Checkout"]
    assert names("team=team_none") == []


def test_a_key_is_shown_once_and_revoked_once(application, developer, member, stranger, api_as):
    base = f"applications/{application.public_id}/credentials"
    for who, status in ((member, 403), (stranger, 404)):
        assert api_as(who).post(f"{URL}/{base}", {"name": "web"}).status_code == status
    made = api_as(developer).post(f"{URL}/{base}", {"name": "web"})
    assert made.json()["key"].startswith("gh_live_")
    assert made.json()["signing_secret"].startswith("gh_sig_")
    assert made["Cache-Control"] == "no-store"
    path = f"{base}/{made.json()['id']}"
    assert "key" not in api_as(member).get(f"{URL}/{path}").json()
    revoke = f"{URL}/{path}/revoke"
    assert api_as(member).post(revoke, headers={"if-match": "*"}).status_code == 403
    assert api_as(developer).post(revoke, headers={"if-match": made["ETag"]}).json()["state"] == "revoked"
    assert api_as(developer).post(revoke, headers={"if-match": "*"}).json()["code"] == "key-revoked-already"
    assert Credential.objects.get().revoked_at


def test_a_token_acts_as_its_person_until_it_is_revoked(developer, stranger, team, client, api_as):
    made = api_as(developer).post(f"{URL}/tokens", {"name": "laptop"})
    assert made["Cache-Control"] == "no-store"
    auth = {"authorization": f"Bearer {made.json()['token']}"}
    assert client.get(f"{URL}/me", headers=auth).json()["email"] == developer.email
    path = f"tokens/{made.json()['id']}"
    assert write(api_as(stranger), "delete", path, tag="*").status_code == 404
    assert write(api_as(developer), "delete", path).status_code == 204
    refused = client.get(f"{URL}/me", headers=auth)
    assert (refused.status_code, refused["WWW-Authenticate"]) == (401, 'Bearer realm="gatehouse"')


def test_the_audit_log_is_read_by_owners_and_narrowed(team, owner, developer, stranger, application, key, api_as):
    def verbs(who, query=""):
        return [row["verb"] for row in api_as(who).get(f"{URL}/audit?{query}").json()["results"]]

    assert verbs(owner) == ["key.create", "application.create"]
    assert verbs(owner, "verb=key") == ["key.create"]
    assert verbs(owner, f"object_id={application.public_id}") == ["application.create"]
    assert verbs(owner, "since=2999-01-01T00:00:00Z") == []
    assert verbs(developer) == ["key.create", "application.create"]
    assert verbs(stranger) == []


def test_lists_ask_as_often_for_many_rows_as_for_few(team, owner, developer, api_as, django_assert_num_queries):
    for number in range(12):
        app = create_application(team=team, name=f"App {number}", actor=developer)
        issue_credential(application=app, name="web", actor=developer)
    client = api_as(owner)
    with django_assert_num_queries(1):
        assert len(client.get(f"{URL}/applications").json()["results"]) == 12
    with django_assert_num_queries(1):
        assert len(client.get(f"{URL}/audit").json()["results"]) == 24


def test_pages_of_a_list_follow_one_another(team, developer, api_as):
    for number in range(5):
        create_application(team=team, name=f"App {number}", actor=developer)
    client, names, url = api_as(developer), [], f"{URL}/applications?page_size=2"
    while url:
        page = client.get(url).json()
        names += [row["name"] for row in page["results"]]
        url = page["next"]
    assert names == ["App 4", "App 3", "App 2", "App 1", "App 0"]
