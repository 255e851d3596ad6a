"""The pages of previews, blocks and archives: impact, one button, the way back."""

import pytest

from apis.models import ApiVersion
from apis.services.publishing import publish_version
from teams.models import Application

pytestmark = pytest.mark.django_db
BASE = "/workspace/payments/orders/v1"


def submit(client, path, **fields):
    return client.post(f"{BASE}/{path}", {"form_token": (path.replace("/", "-") * 9)[:36], **fields})


def state(draft) -> str:
    return ApiVersion.objects.get(pk=draft.pk).state


def test_a_preview_is_started_for_named_applications_and_ended(draft, team, owner, publisher, as_user):
    application = Application.objects.create(team=team, name="Checkout", created_by=owner)
    client = as_user(publisher)
    assert "Start a preview" in client.get(BASE).content.decode()
    refused = submit(client, "preview", applications="app_none")
    assert refused.status_code == 422
    assert "There is no application app_none." in refused.content.decode()
    assert submit(client, "preview", applications=application.public_id).status_code == 303
    assert state(draft) == "preview"
    page = client.get(BASE).content.decode()
    assert "In preview for 1 application:" in page
    assert application.public_id in client.get(f"{BASE}/preview").content.decode()
    assert submit(client, "moves/end-preview").status_code == 303
    assert state(draft) == "draft"


def test_a_version_is_blocked_with_a_reason_and_lifted(draft, owner, publisher, as_user):
    publish_version(version=draft, actor=owner)
    client = as_user(publisher)
    assert submit(client, "block", reason="").status_code == 422
    assert submit(client, "block", reason="A leak.", until="2001-01-01T00:00").status_code == 422
    assert submit(client, "block", reason="A leak.", until="2099-01-01T00:00").status_code == 303
    page = client.get(BASE).content.decode()
    assert "A leak." in page
    assert "Lift the block" in page
    assert submit(client, "moves/lift-block").status_code == 303
    assert not ApiVersion.objects.get(pk=draft.pk).is_blocked


def test_archiving_says_that_there_is_no_way_back(draft, owner, publisher, as_user):
    from datetime import timedelta

    from apis.services.deprecation import deprecate_version
    from apis.services.retirement import retire_version
    from common.clock import now

    publish_version(version=draft, actor=owner)
    deprecate_version(version=draft, sunset_at=now() + timedelta(days=1), reason="Old.", actor=owner)
    retire_version(version=draft, override_reason="x", typed_name="orders/v1", actor=owner)
    client = as_user(publisher)
    assert "cannot be restored" in client.get(f"{BASE}/archive").content.decode()
    assert submit(client, "archive").status_code == 303
    assert state(draft) == "archived"


@pytest.mark.parametrize("path", ["preview", "block", "archive", "moves/lift-block", "moves/end-preview"])
def test_a_member_may_not_and_a_stranger_learns_nothing(draft, member, stranger, as_user, path):
    # 422 where the form asks for more than this test gives.
    assert submit(as_user(member), path, reason="x").status_code in (403, 409, 422)
    assert submit(as_user(stranger), path, reason="x").status_code == 404
    found = ApiVersion.objects.get(pk=draft.pk)
    assert (found.state, found.is_blocked) == ("draft", False)
