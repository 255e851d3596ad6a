"""Previews, blocks, archives and the sunset: what the gateway is told and what becomes of subscriptions."""

from datetime import timedelta

import pytest

from apis.models import ApiVersion, Deployment
from apis.ports import Caller
from apis.selectors import visible_versions
from apis.services.blocking import block_version, lift_block
from apis.services.deprecation import deprecate_version
from apis.services.preview import end_preview, list_for_preview, start_preview
from apis.services.publishing import publish_version
from apis.services.retirement import archive_version, restore_version, retire_version
from apis.services.subscriptions import subscribe
from apis.tasks import retire_at_sunset
from common.clock import now
from common.errors import Conflict, Invalid, NotFound
from gateway.control.compiler import compile_version

pytestmark = pytest.mark.django_db


def route_of(version):
    return next(record for kind, _, record in compile_version(version) if kind == "route")


@pytest.fixture
def preview(draft, application, publisher):
    return start_preview(version=draft, applications=[application], actor=publisher)


@pytest.fixture
def subscription(preview, application, consumer):
    plan = preview.api.plans.get()
    return subscribe(application=application, version=preview, plan=plan, actor=consumer)


def test_a_preview_is_routed_for_the_teams_of_listed_applications(preview, other_team, team):
    route = route_of(preview)
    assert (route.state, route.visibility) == ("preview", "teams")
    assert set(route.team_ids) == {team.public_id, other_team.public_id}
    assert preview.published_at is None


def test_only_listed_applications_see_and_subscribe(preview, subscription, consumer, other_team, stranger, make_user):
    from teams.models import Application

    assert preview in visible_versions(consumer)
    assert preview not in visible_versions(stranger)
    other = Application.objects.create(team=other_team, name="Other", created_by=consumer)
    with pytest.raises(Conflict, match="not on its list"):
        subscribe(application=other, version=preview, plan=preview.api.plans.get(), actor=consumer)
    with pytest.raises(NotFound):
        subscribe(application=other, version=preview, plan=preview.api.plans.get(), actor=stranger)


def test_a_preview_shows_nothing_else_of_an_api_that_is_not_shared(published, application, consumer, publisher):
    from apis.selectors import Catalog
    from apis.services.contracts import update_api
    from apis.services.versions import create_version

    update_api(api=published.api, actor=publisher, visibility="team")
    assert published not in visible_versions(consumer)
    following = create_version(api=published.api, actor=publisher, copy_from=published)
    start_preview(version=following, applications=[application], actor=publisher)
    assert list(visible_versions(consumer).filter(api=published.api)) == [following]
    (row,) = Catalog(consumer).entries().filter(api=published.api_id)
    assert row.shown_state == "preview"


def test_an_application_taken_off_the_list_loses_its_subscription(preview, subscription, publisher, team, signals):
    from teams.models import Application

    other = Application.objects.create(team=preview.api.team, name="Own", created_by=publisher)
    list_for_preview(version=preview, applications=[other], actor=publisher)
    # The gateways hear of the new list at once.
    assert ("version_changed", preview) in signals
    assert route_of(preview).team_ids == (team.public_id, team.public_id)
    with pytest.raises(Invalid, match="at least one"):
        list_for_preview(version=preview, applications=[], actor=publisher)
    subscription.refresh_from_db()
    assert (subscription.state, subscription.reason) == ("ended", "The application was taken off the preview.")


def test_ending_a_preview_leaves_a_draft_and_nothing_routed(preview, subscription, publisher):
    end_preview(version=preview, actor=publisher)
    assert preview.state == "draft"
    assert route_of(preview) is None
    assert not Deployment.objects.filter(version=preview).exists()
    assert [row.state for row in preview.revisions.all()] == ["superseded", "draft"]
    subscription.refresh_from_db()
    assert subscription.state == "ended"
    assert publish_version(version=preview, actor=publisher).state == "published"


def test_a_preview_does_not_end_over_a_revision_in_review(preview, publisher, team):
    from apis.services.reviews import submit_for_review
    from apis.services.revisions import start_revision

    start_revision(version=preview, actor=publisher)
    submit_for_review(version=preview, actor=publisher)
    with pytest.raises(Conflict, match="take it back to draft first"):
        end_preview(version=preview, actor=publisher)
    assert ApiVersion.objects.get(pk=preview.pk).state == "preview"


def test_publishing_a_preview_publishes_what_was_previewed(preview, subscription, publisher, stranger):
    publish_version(version=preview, actor=publisher)
    assert (preview.state, preview.published_at is not None) == ("published", True)
    assert route_of(preview).visibility == "everyone"
    subscription.refresh_from_db()
    assert subscription.state == "ended"
    assert preview in visible_versions(stranger)


def test_a_preview_needs_an_application_and_its_approvals(draft, application, publisher, team):
    with pytest.raises(Invalid, match="at least one"):
        start_preview(version=draft, applications=[], actor=publisher)
    team.required_approvals = 1
    team.save()
    version = ApiVersion.objects.get(pk=draft.pk)
    with pytest.raises(Conflict):
        start_preview(version=version, applications=[application], actor=publisher)


def test_a_block_lies_over_the_state_and_is_lifted(published, publisher):
    until = now() + timedelta(hours=1)
    block_version(version=published, actor=publisher, reason="Leak.", until=until)
    route = route_of(published)
    assert (route.state, route.is_blocked, route.blocked_until) == ("published", True, until.timestamp())
    with pytest.raises(Conflict, match="blocked already"):
        block_version(version=published, actor=publisher, reason="Again.")
    lift_block(version=published, actor=publisher)
    assert route_of(published).is_blocked is False
    with pytest.raises(Conflict, match="not blocked"):
        lift_block(version=published, actor=publisher)
    with pytest.raises(Invalid, match="reason"):
        block_version(version=published, actor=publisher, reason=" ")


@pytest.fixture
def past_sunset(published, publisher):
    deprecate_version(version=published, sunset_at=now() + timedelta(days=1), reason="Old.", actor=publisher)
    ApiVersion.objects.filter(pk=published.pk).update(
        deprecated_at=now() - timedelta(days=2), sunset_at=now() - timedelta(days=1)
    )
    published.refresh_from_db()
    return published


def test_the_sunset_retires_what_nobody_calls(past_sunset):
    assert retire_at_sunset() == 1
    past_sunset.refresh_from_db()
    assert past_sunset.state == "retired"
    assert past_sunset.transitions.last().actor is None
    assert retire_at_sunset() == 0


def test_the_sunset_waits_while_somebody_calls(past_sunset, callers):
    callers.append(Caller("app_x", "Checkout", "Web", "", 9, 3, now()))
    assert retire_at_sunset() == 0
    past_sunset.refresh_from_db()
    assert past_sunset.state == "deprecated"


def test_an_archived_version_is_gone_for_ever(past_sunset, publisher, stranger):
    retire_version(version=past_sunset, actor=publisher)
    archive_version(version=past_sunset, actor=publisher)
    assert route_of(past_sunset) is None
    assert past_sunset not in visible_versions(stranger)
    with pytest.raises(Conflict):
        restore_version(version=past_sunset, actor=publisher)
