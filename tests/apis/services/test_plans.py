import pytest

from apis.limits import make_limits
from apis.models import Plan
from apis.services.plans import create_plan, update_plan
from common.errors import Conflict, Invalid, NotAllowed, NotFound, Stale
from gateway.control.compiler import compile_plan

pytestmark = pytest.mark.django_db


def test_a_plan_is_created_and_told_to_the_gateway(draft, publisher, signals):
    plan = create_plan(api=draft.api, name="Gold", limits=make_limits(per_minute=600), actor=publisher)
    assert (plan.slug, plan.is_open, plan.on_store_error, plan.unknown_price) == ("gold", True, "local", "warn")
    assert signals == [("plan_changed", plan)]


def test_a_name_stands_once_per_api(draft, publisher):
    with pytest.raises(Conflict):
        create_plan(api=draft.api, name="free", limits=[], actor=publisher)


def test_new_limits_are_checked_and_told(plan, publisher, signals):
    with pytest.raises(Invalid):
        update_plan(plan=Plan.objects.get(pk=plan.pk), limits=[{"id": "x"}], actor=publisher)
    changed = update_plan(plan=Plan.objects.get(pk=plan.pk), limits=make_limits(per_day=5), actor=publisher)
    assert (len(changed.limits), changed.row_version) == (1, 2)
    assert [name for name, _ in signals] == ["plan_changed"]
    with pytest.raises(Stale):
        update_plan(plan=plan, name="Other", actor=publisher)


def test_other_environments_have_the_same_limits_or_their_own(plan, publisher):
    assert compile_plan(plan).limits_elsewhere is None
    own = update_plan(plan=plan, limits_elsewhere=make_limits(per_minute=5), actor=publisher)
    assert [limit.limit for limit in compile_plan(own).limits_elsewhere] == [5]
    with pytest.raises(Invalid) as caught:
        update_plan(plan=own, limits_elsewhere=[{"id": "x", "limit": 1}], actor=publisher)
    assert caught.value.errors[0]["pointer"] == "/limits_elsewhere/0/window"
    own = Plan.objects.get(pk=plan.pk)
    # No limits at all are limits of their own.
    assert compile_plan(update_plan(plan=own, limits_elsewhere=[], actor=publisher)).limits_elsewhere == ()


@pytest.mark.parametrize(
    "fields", [{"on_store_error": "never"}, {"allowed_models": "all"}, {"slug": "x"}, {"name": ""}]
)
def test_wrong_values_are_refused(plan, publisher, fields):
    from django.core.exceptions import ValidationError

    with pytest.raises((Invalid, ValidationError)):
        update_plan(plan=plan, actor=publisher, **fields)


def test_roles_decide_who_changes_plans(plan, developer, member, stranger):
    for actor, error in ((developer, NotAllowed), (member, NotAllowed), (stranger, NotFound)):
        with pytest.raises(error):
            create_plan(api=plan.api, name="Gold", limits=[], actor=actor)
        with pytest.raises(error):
            update_plan(plan=plan, name="X", actor=actor)
