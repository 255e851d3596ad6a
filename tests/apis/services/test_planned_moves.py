from datetime import timedelta

import pytest

from apis.models import PlannedMove
from apis.services.deprecation import deprecate_version
from apis.services.planned_moves import cancel_planned_move, make_due_moves, plan_move
from common.clock import now
from common.errors import Conflict, Invalid, NotAllowed, NotFound
from teams.models import Membership, Notice

pytestmark = pytest.mark.django_db
SOON = timedelta(hours=1)


def test_a_planned_publication_is_made_at_its_moment(draft, publisher, time_machine):
    planned = plan_move(version=draft, name="publish", at=now() + SOON, actor=publisher)
    assert make_due_moves() == 0
    time_machine.move_to(now() + SOON)
    assert make_due_moves() == 1
    assert make_due_moves() == 0
    draft.refresh_from_db()
    planned.refresh_from_db()
    assert (draft.state, planned.state) == ("published", "done")


def test_it_is_judged_again_at_its_moment_and_its_planner_told(draft, publisher, time_machine):
    planned = plan_move(version=draft, name="publish", at=now() + SOON, actor=publisher)
    draft.api.plans.update(is_open=False)
    time_machine.move_to(now() + SOON)
    assert make_due_moves() == 0
    planned.refresh_from_db()
    assert planned.state == "failed"
    assert "No plan is open" in planned.outcome
    assert Notice.objects.get(user=publisher).title == "The planned move of Orders v1 was not made"


def test_who_has_lost_the_role_publishes_nothing(draft, publisher, time_machine):
    planned = plan_move(version=draft, name="publish", at=now() + SOON, actor=publisher)
    Membership.objects.filter(user=publisher).delete()
    time_machine.move_to(now() + SOON)
    assert make_due_moves() == 0
    planned.refresh_from_db()
    draft.refresh_from_db()
    assert (planned.state, draft.state) == ("failed", "draft")


def test_a_retirement_after_the_sunset_needs_no_override(published, publisher, time_machine):
    sunset = now() + timedelta(days=2)
    deprecate_version(version=published, sunset_at=sunset, reason="Old.", actor=publisher)
    with pytest.raises(Invalid, match="has not come"):
        plan_move(version=published, name="retire", at=now() + SOON, actor=publisher)
    plan_move(version=published, name="retire", at=sunset + SOON, actor=publisher)
    time_machine.move_to(sunset + SOON)
    assert make_due_moves() == 1
    published.refresh_from_db()
    assert published.state == "retired"


def test_before_the_sunset_it_carries_its_override(published, publisher, time_machine):
    deprecate_version(version=published, sunset_at=now() + timedelta(days=2), reason="Old.", actor=publisher)
    plan_move(
        version=published, name="retire", at=now() + SOON, actor=publisher, override_reason="Agreed.",
        typed_name="orders/v1",
    )  # fmt: skip
    time_machine.move_to(now() + SOON)
    assert make_due_moves() == 1
    published.refresh_from_db()
    assert published.retirement_reason == "Agreed."


def test_one_of_a_kind_is_planned_and_it_can_be_cancelled(draft, publisher, member, stranger, time_machine):
    planned = plan_move(version=draft, name="publish", at=now() + SOON, actor=publisher)
    with pytest.raises(Conflict, match="already"):
        plan_move(version=draft, name="publish", at=now() + SOON, actor=publisher)
    with pytest.raises(NotAllowed):
        cancel_planned_move(planned=planned, actor=member)
    with pytest.raises(NotFound):
        cancel_planned_move(planned=planned, actor=stranger)
    cancel_planned_move(planned=planned, actor=publisher)
    with pytest.raises(Conflict):
        cancel_planned_move(planned=planned, actor=publisher)
    time_machine.move_to(now() + SOON)
    assert make_due_moves() == 0
    plan_move(version=draft, name="publish", at=now() + SOON, actor=publisher)


def test_a_moment_that_has_passed_and_a_move_that_is_not_possible_are_refused(draft, publisher, developer):
    with pytest.raises(Invalid, match="lies in the past"):
        plan_move(version=draft, name="publish", at=now(), actor=publisher)
    with pytest.raises(Conflict):
        plan_move(version=draft, name="retire", at=now() + SOON, actor=publisher)
    with pytest.raises(NotAllowed):
        plan_move(version=draft, name="publish", at=now() + SOON, actor=developer)


def test_over_rest(draft, publisher, member, api_as):
    base = f"/api/v1/versions/{draft.public_id}/planned-moves"
    at = (now() + SOON).isoformat()
    made = api_as(publisher).post(base, {"name": "publish", "at": at})
    assert made.status_code == 201
    assert api_as(member).get(base).json()["results"][0]["state"] == "planned"
    assert api_as(member).delete(f"{base}/{made.json()['id']}").status_code == 403
    assert api_as(publisher).delete(f"{base}/{made.json()['id']}").status_code == 204
    assert PlannedMove.objects.get().state == "cancelled"
