import pytest

from apis.models import Api, ApiVersion, Subscription
from gateway.control.models import Change
from manifests.models import ManifestApply
from teams.models import AuditEvent
from tests.manifests.conftest import actions

pytestmark = pytest.mark.django_db


def test_a_plan_says_all_and_changes_nothing(files, plan):
    before = AuditEvent.objects.count(), Change.objects.count()
    made = plan(files)
    assert set(actions(made).values()) == {"create"}
    assert made.summary["create"] == 5
    assert not Api.objects.filter(slug="orders").exists()
    assert (AuditEvent.objects.count(), Change.objects.count()) == before
    assert not ManifestApply.objects.exists()


def test_an_apply_does_what_its_plan_said_and_a_second_nothing(files, plan, apply):
    made = plan(files)
    done = apply(files, plan_hash=made.hash)
    assert actions(done) == actions(made)
    version = ApiVersion.objects.get(api__slug="orders")
    assert (version.state, version.api.plans.get().slug) == ("published", "gold")
    assert Subscription.objects.get(version=version).state == "active"
    audited = AuditEvent.objects.count()
    again = apply(files)
    assert set(actions(again).values()) == {"none"}
    assert AuditEvent.objects.count() == audited
    assert ManifestApply.objects.count() == 1


def test_what_is_exported_is_applied_as_nothing(files, apply, plan, export):
    apply(files)
    text = export()
    assert set(actions(plan({"all.yaml": text})).values()) == {"none"}
    assert export() == text
