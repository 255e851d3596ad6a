from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from apis.models import Api, Operation, Subscription
from gateway.control.models import Change
from gateway.dataplane.records import from_payload
from teams.models import Credential, User

pytestmark = pytest.mark.django_db
SCALE = {"team__slug__startswith": "scale-"}


@pytest.fixture
def admin() -> User:
    return User.objects.create_superuser("admin@example.com", "correct horse battery", name="Ada Admin")


def test_an_organisation_of_the_asked_size_is_written_and_taken_away(admin):
    out = StringIO()
    call_command("seed_scale", apis=12, keys=30, operations_per_api=4, stdout=out)
    assert (Api.objects.filter(**SCALE).count(), Operation.objects.filter(revision__author=admin).count()) == (12, 48)
    assert (Credential.objects.count(), Subscription.objects.filter(state="active").count()) == (30, 30)
    kinds = {kind: Change.objects.filter(kind=kind).count() for kind in ("upstream", "credential", "subscription")}
    assert kinds == {"upstream": 12, "credential": 30, "subscription": 30}
    first = Change.objects.get(kind="route", payload__base_path="/scale-0/orders-0")
    assert len(from_payload("route", first.payload).operations) == 4
    assert "gh_live_" in out.getvalue()
    with pytest.raises(CommandError, match="--remove"):
        call_command("seed_scale", apis=1, keys=1)
    call_command("seed_scale", remove=True, stdout=out)
    assert not Api.objects.filter(**SCALE).exists()
    assert not Credential.objects.exists()


def test_it_does_not_run_in_production(admin, settings):
    settings.GATEHOUSE_MODE = "production"
    with pytest.raises(CommandError, match="production"):
        call_command("seed_scale")


def test_a_size_that_makes_no_sense_is_refused(admin):
    with pytest.raises(CommandError, match="--apis"):
        call_command("seed_scale", apis=0)
