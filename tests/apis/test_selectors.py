from datetime import timedelta

import pytest

from apis.models import Api, ApiVersion
from apis.ports import Caller
from apis.selectors import (
    Catalog,
    CatalogFilters,
    api_for,
    available_moves,
    catalog_rows,
    impact_of,
    latest_version,
    served_document,
    version_for,
    visible_apis,
    visible_plans,
    visible_revisions,
    visible_versions,
)
from apis.services.contracts import update_api
from apis.services.deprecation import deprecate_version
from apis.services.documents import save_draft
from apis.services.publishing import publish_version
from apis.services.subscriptions import subscribe
from apis.services.versions import create_version
from common.clock import now
from common.errors import NotFound

pytestmark = pytest.mark.django_db


def names(user, **filters):
    return [entry.name for entry in Catalog(user, CatalogFilters(**filters)).entries().exclude(kind="model")]


def sees(user, api):
    return visible_apis(user).filter(pk=api.pk).exists()


def test_drafts_are_seen_by_their_team_alone(draft, owner, member, stranger, consumer, admin):
    assert all(sees(who, draft.api) for who in (owner, member, admin))
    assert not any(sees(who, draft.api) for who in (consumer, stranger))
    assert not visible_versions(consumer).filter(pk=draft.pk).exists()
    assert not visible_plans(consumer).filter(api=draft.api).exists()


@pytest.mark.parametrize(("visibility", "expected"), [("everyone", True), ("team", False), ("shared", False)])
def test_a_published_api_is_seen_by_its_visibility(published, publisher, consumer, visibility, expected):
    update_api(api=published.api, actor=publisher, visibility=visibility)
    assert sees(consumer, published.api) is expected
    assert sees(publisher, published.api)


def test_sharing_shows_it_to_that_team(published, publisher, consumer, other_team, stranger):
    update_api(api=published.api, actor=publisher, visibility="shared", shared_with=[other_team])
    assert sees(consumer, published.api)
    assert not sees(stranger, published.api)


def test_nobody_signed_in_sees_nothing(published):
    from django.contrib.auth.models import AnonymousUser

    assert not visible_apis(AnonymousUser()).exists()
    assert not visible_versions(AnonymousUser()).exists()


def test_a_stranger_sees_published_versions_and_current_revisions_only(published, publisher, stranger):
    second = create_version(api=published.api, copy_from=published, actor=publisher)
    assert list(visible_versions(stranger).filter(api=published.api)) == [published]
    assert [row.state for row in visible_revisions(stranger).filter(version__api=published.api)] == ["current"]
    assert visible_versions(publisher).filter(pk=second.pk).exists()


def test_names_find_what_is_visible_and_nothing_else(published, draft, stranger, make_api):
    hidden = make_api("Hidden")
    assert api_for(stranger, "payments", "orders") == published.api
    assert version_for(stranger, "payments", "orders", "v1") == published
    for ask in (
        lambda: api_for(stranger, "payments", "hidden"),
        lambda: api_for(stranger, "payments", "nothing"),
        lambda: version_for(stranger, "payments", "orders", "v2"),
        lambda: version_for(stranger, hidden.team.slug, hidden.slug, "v1"),
    ):
        with pytest.raises(NotFound):
            ask()


def test_the_latest_version_is_the_highest_published_one(published, publisher):
    for _ in range(10):
        last = create_version(api=published.api, copy_from=published, actor=publisher)
    assert latest_version(published.api) == published
    assert last.name == "v11"
    publish_version(version=last, actor=publisher)
    publish_version(version=published.api.versions.get(name="v9"), actor=publisher)
    assert latest_version(published.api) == last
    deprecate_version(version=last, sunset_at=now() + timedelta(days=1), reason="x", actor=publisher)
    assert latest_version(published.api).name == "v9"


@pytest.mark.parametrize(
    "words", ["order", "ORD", "shop", "payments", "List orders", "createOrder", "/{id}", "takes eu"]
)
def test_the_catalog_finds_by_every_word_in_any_place(published, publisher, stranger, words):
    update_api(api=published.api, actor=publisher, summary="Takes orders.", tags=["shop", "eu"])
    assert names(stranger, words=words) == ["Orders"]


def test_the_catalog_finds_nothing_by_words_that_are_not_there(published, draft, stranger):
    assert names(stranger, words="orders refunds") == []
    assert names(stranger, words="%") == []


def test_names_that_fit_best_come_first(make_api, publisher, stranger):
    for name in ("Reorders", "Orders archive", "Orders"):
        publish_version(version=make_api(name).versions.get(), actor=publisher)
    assert names(stranger, words="orders") == ["Orders", "Orders archive", "Reorders"]


def test_the_catalog_narrows_by_kind_team_state_and_tag(published, publisher, stranger):
    update_api(api=published.api, actor=publisher, tags=["shop"])
    for filters in ({"kind": "rest"}, {"team": "payments"}, {"state": "published"}, {"tag": "Shop"}):
        assert names(stranger, **filters) == ["Orders"]
    for filters in ({"kind": "prompt"}, {"team": "web"}, {"state": "retired"}, {"tag": "none"}):
        assert names(stranger, **filters) == []


def test_mine_shows_drafts_of_own_teams(draft, developer, member, stranger):
    assert names(developer) == []
    assert names(developer, is_mine=True) == ["Orders"]
    assert names(developer, has_drafts=True) == names(member, has_drafts=True) == ["Orders"]
    assert names(member, is_mine=True) == []
    assert names(stranger, has_drafts=True) == []


def test_facets_count_what_each_value_would_leave(published, publisher, stranger, make_api):
    update_api(api=published.api, actor=publisher, tags=["shop"])
    found = Catalog(stranger).facets()
    assert {(value.value, value.count) for value in found.kinds} == {("rest", 1), ("model", 1)}
    assert {(value.label, value.count) for value in found.teams} == {("Payments", 1), ("Platform", 1)}
    assert ("published", "Published", 2) in [(value.value, value.label, value.count) for value in found.states]
    assert ("shop", 1) in [(value.value, value.count) for value in found.tags]
    narrowed = Catalog(stranger, CatalogFilters(kind="rest")).facets()
    assert {value.value for value in narrowed.kinds} == {"rest", "model"}
    assert [value.value for value in narrowed.teams] == ["payments"]


def test_a_page_of_the_catalog_takes_the_same_queries_however_many_rows(
    make_api, publisher, consumer, application, django_assert_num_queries
):
    def page():
        return catalog_rows(Catalog(consumer).entries()[:50])

    first = publish_version(version=make_api("First").versions.get(), actor=publisher)
    subscribe(application=application, version=first, plan=first.api.plans.get(), actor=consumer)
    with django_assert_num_queries(4):
        rows = page()
    assert {row.api.name: row.users.applications for row in rows} == {"AI models": 0, "First": 1}
    for number in range(5):
        publish_version(version=make_api(f"Api {number}").versions.get(), actor=publisher)
    with django_assert_num_queries(4):
        assert len(page()) == 7
    with django_assert_num_queries(5):
        Catalog(consumer).facets()


def test_the_impact_joins_callers_and_quiet_subscribers(published, application, plan, consumer, callers):
    subscribe(application=application, version=published, plan=plan, actor=consumer)
    callers.append(Caller("app_other", "Mobile", "Apps", "apps@example.com", 90, 7, now()))
    impact = impact_of(published)
    assert (impact.applications, impact.calls_30_days, impact.teams, impact.callers_7_days) == (2, 90, 2, 1)
    assert [(row.application_name, row.calls) for row in impact.rows] == [("Mobile", 90), ("Checkout", 0)]


def moves(version, actor):
    return {move.name: move for move in available_moves(version, actor)}


def test_a_draft_offers_publish_to_the_one_person_it_takes_and_says_what_is_missing(make_api, publisher, draft):
    assert moves(draft, publisher)["publish"].is_allowed
    empty = make_api("Empty", source="", upstream="").versions.get()
    assert "There is no document yet" in moves(empty, publisher)["publish"].reason
    assert not moves(empty, publisher)["submit"].is_allowed


def test_where_approvals_are_asked_a_draft_offers_review_only(team, draft, publisher):
    team.required_approvals = 1
    team.save()
    version = ApiVersion.objects.select_related("api__team").get(pk=draft.pk)
    assert set(moves(version, publisher)) == {"submit"}


def test_moves_name_the_role_they_need(published, developer, publisher):
    assert "publisher" in moves(published, developer)["deprecate"].reason
    offered = moves(published, publisher)
    assert offered["deprecate"].is_allowed
    assert offered["deprecate"].label == "Deprecate v1"
    assert offered["block"].is_allowed


def test_a_button_that_is_allowed_works_and_one_that_is_not_is_refused(draft, publisher):
    from apis.services.moves import require_move
    from common.errors import Conflict

    for version in (draft, publish_version(version=ApiVersion.objects.get(pk=draft.pk), actor=publisher)):
        for move in available_moves(version, publisher):
            # Where one person may go alone, these two walk further than one move.
            if move.name in ("publish", "preview"):
                continue
            if move.is_allowed:
                assert require_move(version=version, name=move.name, actor=publisher).target == move.target
            else:
                with pytest.raises(Conflict) as caught:
                    require_move(version=version, name=move.name, actor=publisher)
                assert move.reason in caught.value.detail


def test_the_served_document_names_the_gateway_and_not_the_upstream(draft, publisher, settings):
    import json

    tree = draft.revisions.get().document
    tree["servers"] = [{"url": "https://secret.internal"}]
    tree["paths"]["/orders"]["servers"] = [{"url": "https://secret.internal/p"}]
    tree["paths"]["/orders"]["get"]["servers"] = [{"url": "https://secret.internal/o"}]
    save_draft(revision=draft.revisions.get(), source=json.dumps(tree), if_match="*", actor=publisher)
    served = served_document(publish_version(version=draft, actor=publisher))
    assert "secret.internal" not in json.dumps(served)
    assert served["servers"] == [{"url": f"{settings.GATEHOUSE_GATEWAY_URL}/payments/orders/v1"}]
    assert served["security"] == [{"gatehouse_key": []}]
    assert list(served["paths"]) == list(tree["paths"])


def test_the_document_of_the_ai_api_is_served_at_the_root(settings):
    served = served_document(Api.objects.get(kind="model").versions.get())
    assert served["servers"] == [{"url": f"{settings.GATEHOUSE_GATEWAY_URL}/v1"}]


def test_a_version_without_a_document_serves_none(make_api):
    assert served_document(make_api("Empty", source="").versions.get()) == {}
