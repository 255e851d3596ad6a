"""Forms posted as their pages offer them: untouched they change nothing, filled in they do what they say."""

from __future__ import annotations

from typing import Any

import pytest
from django.forms.models import model_to_dict

from apis.models import Api, Environment, Plan, Subscription
from apis.services.keys import get_key
from apis.services.plans import create_plan
from apis.services.publishing import publish_version
from teams.models import Application, Team

from .form_fields import fields_behind

pytestmark = pytest.mark.django_db
API = "/workspace/payments/orders"


@pytest.fixture
def grant(draft, owner):
    draft.api.owner, draft.api.on_call = owner, "+41 44 000 00 00"
    draft.api.save()
    version = publish_version(version=draft, actor=owner)
    return get_key(version=version, actor=owner)


@pytest.fixture
def press(as_user, owner):
    """Open a page as the owner and press a button; return the answer's status."""
    client = as_user(owner)

    def open_and_press(path: str, button: str, **typed: Any) -> int:
        page = client.get(path)
        assert page.status_code == 200, path
        answer = client.post(path, fields_behind(page.content.decode(), button) | typed)
        assert answer.status_code in (302, 303), (path, answer.status_code)
        return int(answer.status_code)

    return open_and_press


@pytest.mark.parametrize(
    ("path", "button", "model"),
    [
        (f"{API}/settings", "Save API", Api),
        (f"{API}/sharing", "Save sharing", Api),
        ("/teams/payments/settings", "Save settings", Team),
        ("/applications/{app}/settings", "Save application", Application),
        (f"{API}/plans/{{plan}}", "Save plan", Plan),
    ],
)
def test_what_is_saved_untouched_stays_as_it_was(grant, press, path, button, model):
    def stored() -> dict[str, Any]:
        return model_to_dict(model.objects.order_by("pk").last(), exclude=["row_version"])

    before = stored()
    app, plan = grant.application.public_id, grant.subscription.plan.public_id
    press(path.format(app=app, plan=plan), button)
    assert stored() == before


def test_another_plan_is_asked_for_and_taken(grant, press, owner):
    wide = create_plan(api=grant.subscription.plan.api, name="Wide", limits=[], actor=owner)
    base = f"/applications/{grant.application.public_id}/subscriptions/{grant.subscription.public_id}"
    press(f"{base}/plan", "Change plan", plan=wide.public_id)
    assert Subscription.objects.get().plan == wide


def test_a_subscription_is_paused_served_again_and_ended(grant, press, as_user, owner):
    base = f"/applications/{grant.application.public_id}/subscriptions/{grant.subscription.public_id}"
    for state in ("suspended", "active"):
        assert as_user(owner).post(f"{base}/pause").status_code == 302
        assert Subscription.objects.get().state == state
    press(f"{base}/end", "End subscription")
    assert Subscription.objects.get().state == "ended"


def test_its_provider_suspends_and_resumes_it(grant, as_user, owner):
    for state, reason in (("suspended", "Too many calls at night"), ("active", "")):
        form = {"subscription": grant.subscription.public_id, "reason": reason}
        assert as_user(owner).post(f"{API}/subscriptions", form).status_code == 302
        assert Subscription.objects.get().state == state


def test_an_environment_is_added(admin, as_user):
    client = as_user(admin)
    fields = fields_behind(client.get("/admin/environments").content.decode(), "Add environment")
    assert client.post("/admin/environments", fields | {"slug": "qa", "name": "Quality"}).status_code == 303
    assert Environment.objects.get(slug="qa").name == "Quality"
