"""What is exported is applied as nothing, and makes the same objects where there are none."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apis.models import Api
from apis.services.collections import create_collection
from apis.services.environments import create_environment, promote_revision
from apis.services.linting import set_ruleset, set_spectral, waive_rule
from apis.services.overlays import create_overlay, update_overlay
from common.clock import now
from manifests.exporting import as_files, as_stream, export_manifests
from manifests.kinds import KINDS
from manifests.manifest import API_VERSION
from manifests.reading import read_manifests
from manifests.services.applying import Options, apply_manifests, plan_manifests
from manifests.text import read_text, write_text
from teams.models import Team, User
from teams.services.custom_roles import create_role
from teams.services.people import create_team, invite_member
from teams.services.webhooks import create_webhook
from tests.manifests.conftest import DOCUMENT, OVERLAY, SPECTRAL, actions

pytestmark = pytest.mark.django_db


@pytest.fixture
def demo(settings, tmp_path):
    """The demo's rows, and one of each kind that it has none of."""
    settings.GATEHOUSE_HOME = tmp_path
    settings.GATEHOUSE_DEMO = True
    settings.GATEHOUSE_DEMO_UPSTREAM_URL = "http://127.0.0.1:7001"
    settings.GATEHOUSE_DEMO_MODEL_URL = "http://127.0.0.1:7002"
    call_command("seed_demo")
    admin, team = User.objects.get(is_platform_admin=True), Team.objects.get(slug="demo")
    orders = Api.objects.get(slug="orders").versions.get()
    create_webhook(team=team, url="https://hooks.example.com/a", actor=admin, event_types=["api.created"])
    create_collection(team=team, name="Shop", actor=admin, apis=[orders.api])
    set_ruleset(team=team, severities={"operation-summary": "off"}, actor=admin)
    set_ruleset(team=None, severities={"info-contact": "warn"}, actor=admin)
    waive_rule(
        version=orders, code="info-contact", reason="Later.", expires_at=now().replace(year=2099), actor=admin
    )  # fmt: skip
    set_spectral(team=team, source=SPECTRAL, actor=admin)
    create_role(team=team, slug="captain", name="Captain", permissions=["apis.publish"], actor=admin)
    create_role(name="Reader", permissions=["costs.view"], actor=admin)
    invite_member(team=team, email="new@example.com", role="captain", actor=admin)
    create_team(name="Below", slug="below", parent=team, actor=admin)
    staging = create_environment(slug="staging", name="Staging", actor=admin)
    for name, places in (("For partners", [staging]), ("for-partners", []), ("Later", [])):
        overlay = create_overlay(version=orders, name=name, source=OVERLAY, environments=places, actor=admin)
    update_overlay(overlay=overlay, is_enabled=False, if_match="*", actor=admin)
    current = orders.revisions.get(state="current")
    promote_revision(revision=current, environment=staging, actor=admin, upstream_url="http://127.0.0.1:7003")
    return admin


def test_all_of_the_demo_is_written_out_and_nothing_is_left_to_do(demo):
    kinds, seen = list(KINDS), set()
    for team in ("", "demo", "below", "platform"):
        exported = export_manifests(actor=demo, team=team, kinds=kinds)
        seen |= {item.document["kind"] for item in exported}
        for files in ({"all.yaml": as_stream(exported)}, as_files(exported)):
            plan = plan_manifests(manifests=read_manifests(files=files), actor=demo, options=Options())
            left = {name: action for name, action in actions(plan).items() if action != "none"}
            assert left == {}, [entry.as_json() for entry in plan.entries if entry.action != "none"]
            assert len(plan.entries) == len(exported)
        assert as_stream(export_manifests(actor=demo, team=team, kinds=kinds)) == as_stream(exported)
        if team == "below":
            assert exported[0].document["spec"]["parent"] == "demo"
    assert seen == set(KINDS), "a kind has no object here: make one in the fixture"


def test_an_export_makes_the_same_where_there_is_nothing(demo):
    exported = export_manifests(actor=demo, team="demo")
    text = as_stream(exported).replace("demo/", "copy/").replace("slug: demo\n", "slug: copy\n")
    text = text.replace("team: demo\n", "team: copy\n").replace("/demo", "/copy").replace("slug: shop", "slug: shop-2")
    text = text.replace("owner: admin@", "owner: admin@")
    files = {"all.yaml": text}
    done = apply_manifests(manifests=read_manifests(files=files), actor=demo, options=Options())
    refused = {name: said for name, said in actions(done).items() if said not in ("create", "none")}
    assert refused == {}
    assert Api.objects.get(team__slug="copy", slug="orders").versions.get().state == "published"
    assert Api.objects.get(team__slug="copy", slug="translate").versions.get().state == "published"
    again = plan_manifests(manifests=read_manifests(files=files), actor=demo, options=Options())
    assert set(actions(again).values()) == {"none"}
    made = as_stream(export_manifests(actor=demo, team="copy"))
    assert as_files(export_manifests(actor=demo, team="copy")).keys() == {
        name.replace("demo/", "copy/", 1) for name in as_files(exported)
    }
    assert read_text(made)[1] == []


# Texts that YAML 1.1 and 1.2 read differently, and such as break writers.
WORDS = st.one_of(
    st.text(
        st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n\t"), max_size=40
    ),
    st.sampled_from(["no", "1e3", "0o17", "1_000", "2026-01-01", "~", "null", ".5", "- a", "a: b", "# c", "'", "---",
                     "a\n\n b\n", "\n", " x", "x ", "on", "12:30", "!x", "%y", "@z", "{}", "|"]),
)  # fmt: skip


@given(st.recursive(WORDS | st.integers() | st.booleans(), lambda inner: st.lists(inner, max_size=3)
                    | st.dictionaries(WORDS, inner, max_size=3), max_leaves=8))  # fmt: skip
@settings(max_examples=300)
def test_what_is_written_is_read_as_it_was(value):
    document = {"apiVersion": API_VERSION, "kind": "Api", "metadata": {"team": "t"}, "spec": {"x": value}}
    (found,), problems = read_text(write_text([document]))
    assert problems == []
    assert found.spec == {"x": value}


LINE = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=20)
SLUG = st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True)
LIMITS = st.lists(
    st.fixed_dictionaries({"unit": st.just("requests"), "limit": st.integers(0, 10**6), "window": st.just("60s")}),
    max_size=2,
).map(lambda rows: [{"id": f"l{index}", **row} for index, row in enumerate(rows)])
APIS = st.dictionaries(
    SLUG,
    st.fixed_dictionaries(
        {"name": LINE, "tags": st.lists(LINE, max_size=3), "visibility": st.sampled_from(["everyone", "team"])},
        optional={"summary": LINE, "description": WORDS, "is_requestable": st.booleans(), "category": LINE},
    ),
    min_size=1, max_size=2,
)  # fmt: skip
PLANS = st.fixed_dictionaries(
    {"name": LINE, "limits": LIMITS}, optional={"terms": LINE, "requires_approval": st.booleans()}
)


@given(APIS, PLANS, LINE, st.sampled_from(["draft", "published"]))
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_objects_are_applied_once_and_written_out_as_they_are(owner, apis, plan, name, state):
    objects = [("Application", {"team": "payments", "name": name}, {"description": name})]
    for slug, api in apis.items():
        version = {"state": state, "document": DOCUMENT, "upstream_url": "https://orders.internal"}
        objects += [
            ("Api", {"team": "payments", "slug": slug}, api),
            ("Plan", {"team": "payments", "api": slug, "slug": "gold"}, plan),
            ("ApiVersion", {"team": "payments", "api": slug, "name": "v1"}, version),
        ]
    sent = [
        {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}
        for kind, metadata, spec in objects
    ]
    with transaction.atomic():
        manifests = read_manifests(objects=sent)
        done = apply_manifests(manifests=manifests, actor=owner, options=Options(source="repo"))
        assert set(actions(done).values()) == {"create"}
        again = apply_manifests(manifests=manifests, actor=owner, options=Options(source="repo"))
        assert set(actions(again).values()) == {"none"}
        text = as_stream(export_manifests(actor=owner, team="payments"))
        left = plan_manifests(manifests=read_manifests(files={"a": text}), actor=owner, options=Options())
        assert set(actions(left).values()) == {"none"}
        transaction.set_rollback(True)
