"""The OpenID providers over REST: read by platform admins, without secrets, and not written by a token."""

from __future__ import annotations

import pytest

from teams.models import Role
from teams.services.sign_in_providers import add_group_role, create_provider

pytestmark = pytest.mark.django_db
URL = "/api/v1/sign-in-providers"


@pytest.fixture
def provider(admin, team):
    made = create_provider(
        actor=admin, name="Okta", issuer="https://login.example.com", client_id="gatehouse", secret="s3cret-of-okta",
        allowed_domains=["example.com"],
    )  # fmt: skip
    add_group_role(provider=made, actor=admin, group="payments-dev", team=team, role=Role.DEVELOPER)
    return made


def test_an_admin_reads_them_without_their_secrets(provider, admin, team, api_as):
    answer = api_as(admin).get(URL)
    (row,) = answer.json()["results"]
    assert (row["name"], row["has_secret"], row["allowed_domains"]) == ("Okta", True, ["example.com"])
    assert row["group_roles"] == [{"group": "payments-dev", "team": team.public_id, "role": "developer"}]
    assert api_as(admin).get(f"{URL}/{row['id']}").json() == row
    assert "s3cret-of-okta" not in answer.content.decode()


def test_nobody_else_reads_them_and_nobody_writes(provider, owner, admin, api_as):
    assert api_as(owner).get(URL).status_code == 403
    assert api_as(admin).post(URL, {"name": "Mine"}, format="json").status_code == 403
    assert api_as(admin).delete(f"{URL}/{provider.public_id}").status_code == 403
