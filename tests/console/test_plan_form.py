"""The form of a plan shows the two usual limits; what it does not show is kept, in production and elsewhere."""

from __future__ import annotations

import pytest

from apis.limits import make_limits
from apis.models import Plan
from apis.services.plans import create_plan

pytestmark = pytest.mark.django_db

AT_ONCE = {"id": "slots", "unit": "concurrent", "limit": 5}
MONTH = {"id": "month", "unit": "requests", "limit": 9000, "window": "month", "time_zone": "Asia/Tokyo"}
FORM = {"name": "Gold", "per_minute": "700", "per_day": "", "elsewhere": "own", "elsewhere_per_minute": "7"}


@pytest.fixture
def plan(draft, publisher):
    (minute, day) = make_limits(per_minute=600, per_day=1000)
    limits = [AT_ONCE, {**minute, "algo": "sliding_window"}, day, MONTH]
    return create_plan(api=draft.api, name="Gold", limits=limits, limits_elsewhere=[AT_ONCE], actor=publisher)


def test_saving_keeps_every_limit_that_the_form_does_not_show(plan, publisher, as_user):
    url = f"/workspace/{plan.api.team.slug}/{plan.api.slug}/plans/{plan.public_id}"
    shown = as_user(publisher).get(url).content.decode()
    assert "5 at once" in shown
    assert as_user(publisher).post(url, {**FORM, "form_token": "a" * 24}).status_code == 303
    saved = Plan.objects.get(pk=plan.pk)
    (minute,) = make_limits(per_minute=700)
    assert saved.limits == [{**minute, "algo": "sliding_window"}, AT_ONCE, MONTH]
    assert saved.limits_elsewhere == [*make_limits(per_minute=7), AT_ONCE]


def test_a_new_plan_has_the_limits_of_its_form(draft, publisher, as_user):
    url = f"/workspace/{draft.api.team.slug}/{draft.api.slug}/plans"
    form = {**FORM, "name": "Silver", "elsewhere_per_day": "70", "form_token": "c" * 24}
    assert as_user(publisher).post(url, form).status_code == 303
    made = Plan.objects.get(api=draft.api, name="Silver")
    assert made.limits == make_limits(per_minute=700)
    assert made.limits_elsewhere == make_limits(per_minute=7, per_day=70)


def test_the_same_limits_everywhere_takes_those_of_elsewhere_away(plan, publisher, as_user):
    url = f"/workspace/{plan.api.team.slug}/{plan.api.slug}/plans/{plan.public_id}"
    form = {**FORM, "elsewhere": "same", "form_token": "b" * 24}
    assert as_user(publisher).post(url, form).status_code == 303
    assert Plan.objects.get(pk=plan.pk).limits_elsewhere is None
