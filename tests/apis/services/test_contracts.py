import pytest

from apis.models import Api, Plan, Revision
from apis.services.contracts import create_api, delete_api, update_api
from common.errors import Conflict, Invalid, NotAllowed, NotFound, Stale
from teams.models import AuditEvent

pytestmark = pytest.mark.django_db


def create(team, actor, **fields):
    return create_api(**{"team": team, "kind": "rest", "name": "Orders", "actor": actor} | fields)


def test_a_new_api_has_a_draft_v1_a_free_plan_and_the_proposed_path(team, developer, signals):
    api = create(team, developer, tags=["Shop", "shop", " EU "])
    assert (api.slug, api.base_path, api.tags, api.visibility) == (
        "orders",
        "/payments/orders",
        ["shop", "eu"],
        "everyone",
    )
    version = api.versions.get()
    assert (version.name, version.state) == ("v1", "draft")
    assert version.revisions.get().state == "draft"
    plan = api.plans.get()
    assert (plan.slug, [(entry["limit"], entry["window"]) for entry in plan.limits]) == (
        "free",
        [(60, "60s"), (1000, "1d")],
    )
    assert [name for name, _ in signals] == ["plan_changed"]
    assert AuditEvent.objects.get(verb="api.create", team=team).after["base_path"] == "/payments/orders"


@pytest.mark.parametrize("who", ["owner", "publisher", "developer"])
def test_developers_and_above_create_apis(team, who, request):
    assert create(team, request.getfixturevalue(who)).pk


def test_a_viewer_may_not_and_a_stranger_does_not_know_the_team(team, member, stranger):
    with pytest.raises(NotAllowed, match="developer of Payments"):
        create(team, member)
    with pytest.raises(NotFound):
        create(team, stranger)
    assert not Api.objects.filter(team=team).exists()


def test_the_same_name_twice_gets_another_slug_and_path(team, developer):
    create(team, developer)
    second = create(team, developer)
    assert (second.slug, second.base_path) == ("orders-2", "/payments/orders-2")


def test_a_slug_asked_for_twice_is_a_conflict(team, developer):
    create(team, developer, slug="orders")
    with pytest.raises(Conflict, match="has an API called orders"):
        create(team, developer, slug="orders")


def test_a_path_clash_names_the_other_api_to_those_who_see_it(team, developer, published, make_user, other_team):
    consumer = make_user("web", other_team, "developer")
    with pytest.raises(Conflict, match=r"/payments/orders is taken by Orders of Payments"):
        create(other_team, consumer, base_path="/payments/orders")


def test_a_path_clash_with_a_hidden_api_does_not_name_it(team, draft, make_user, other_team):
    consumer = make_user("web", other_team, "developer")
    with pytest.raises(Conflict) as caught:
        create(other_team, consumer, base_path=draft.api.base_path)
    assert "another API" in caught.value.detail
    assert "Orders" not in caught.value.detail


@pytest.mark.parametrize("path", ["/v1/orders", "/admin", "orders"])
def test_reserved_and_malformed_paths_are_refused(team, developer, path):
    with pytest.raises(Invalid):
        create(team, developer, base_path=path)


def test_the_built_in_kind_is_not_created_by_hand(team, developer):
    with pytest.raises(Invalid):
        create(team, developer, kind="model")


def test_wrong_limits_leave_nothing_behind(team, developer):
    with pytest.raises(Invalid):
        create(team, developer, limits=[{"id": "x"}])
    assert not Api.objects.filter(team=team).exists()


def test_changes_are_audited_with_before_and_after_and_told_to_the_gateway(published, publisher, other_team, signals):
    api = update_api(
        api=published.api, actor=publisher, name="Orders EU", visibility="shared", shared_with=[other_team]
    )
    entry = AuditEvent.objects.get(verb="api.update")
    assert (entry.before["name"], entry.after["name"]) == ("Orders", "Orders EU")
    assert entry.after["shared_with"] == ["web"]
    assert api.row_version == 2
    assert signals == [("version_changed", published)]


def test_the_base_path_is_free_before_and_fixed_after_the_first_publication(draft, publisher):
    from apis.services.publishing import publish_version

    api = update_api(api=draft.api, actor=publisher, base_path="/shop/orders")
    assert api.base_path == "/shop/orders"
    draft.refresh_from_db()
    publish_version(version=draft, actor=publisher)
    api.refresh_from_db()
    with pytest.raises(Conflict, match="fixed since the first publication"):
        update_api(api=api, actor=publisher, base_path="/shop/other")
    assert update_api(api=api, actor=publisher, name="Renamed", base_path="/shop/orders").base_path == "/shop/orders"


def test_a_change_on_an_old_reading_is_stale(draft, publisher):
    first, second = Api.objects.get(pk=draft.api_id), Api.objects.get(pk=draft.api_id)
    update_api(api=first, actor=publisher, name="One")
    with pytest.raises(Stale):
        update_api(api=second, actor=publisher, name="Two")
    assert Api.objects.get(pk=draft.api_id).name == "One"


def test_roles_decide_who_changes_and_deletes(draft, developer, member, stranger):
    for act in (
        lambda actor: update_api(api=draft.api, actor=actor, name="X"),
        lambda actor: delete_api(api=draft.api, actor=actor),
    ):
        for actor, error in ((developer, NotAllowed), (member, NotAllowed), (stranger, NotFound)):
            with pytest.raises(error):
                act(actor)


def test_a_draft_is_deleted_with_all_its_rows_and_a_published_api_is_not(draft, published, publisher, make_api):
    other = make_api("Drafty")
    delete_api(api=other, actor=publisher)
    assert not Api.objects.filter(name="Drafty").exists()
    assert not Revision.objects.filter(version__api__name="Drafty").exists()
    assert not Plan.objects.filter(api__name="Drafty").exists()
    with pytest.raises(Conflict, match="was published"):
        delete_api(api=published.api, actor=publisher)
