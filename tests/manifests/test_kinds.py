"""Roles, the tree of teams, members, overlays and lint rules by manifest."""

import pytest

from apis.models import LintRuleset, Overlay
from apis.services.linting import ruleset_for
from gateway.control.models import Change
from manifests.models import ManagedObject
from teams.models import CustomRole, Event, Invitation, Membership, Team
from teams.services.people import accept_invitation, create_team, invite_member
from tests.manifests.conftest import OVERLAY, SPECTRAL, actions

pytestmark = pytest.mark.django_db


def doc(kind: str, metadata: str, spec: str = "{}") -> str:
    return f"---\napiVersion: gatehouse/v1\nkind: {kind}\nmetadata: {{{metadata}}}\nspec: {spec}\n"


def entry_of(plan, kind):
    return next(entry for entry in plan.entries if entry.kind == kind)


ROLE = doc("Role", "team: payments, slug: captain", "{name: Captain, permissions: [apis.publish]}")
MEMBER = doc("Membership", "team: payments, email: member@example.com", "{role: captain}")
GUEST = doc("Membership", "team: payments, email: Guest@example.com", "{role: captain}")


def test_a_role_is_there_before_the_members_that_get_it(apply, member, export):
    sent = {"a.yaml": GUEST + MEMBER + ROLE}
    done = apply(sent, source="repo")
    assert list(actions(done).values()) == ["create", "create", "change"], actions(done)
    assert "They have to accept" in entry_of(done, "Membership").waiting
    assert Membership.objects.get(user=member).role_slug == "captain"
    assert Invitation.objects.get().custom_role.permissions == ["team.view", "apis.publish"]
    assert set(actions(apply(sent, source="repo")).values()) == {"none"}
    text = export(kinds=["Membership"])
    assert "email: guest@example.com\nspec:\n  role: captain\n" in text
    changed = apply({"a.yaml": ROLE.replace("[apis.publish]", "[apis.publish, keys.manage]")})
    assert entry_of(changed, "Role").notes[-1] == "1 member of 1 team and 1 open invitation have this role."


def test_a_role_gives_nothing_that_who_applies_lacks(apply, publisher, member):
    CustomRole.objects.create(
        team=publisher.memberships.get().team, slug="hr", name="HR", permissions=["team.view", "members.manage"]
    )
    Membership.objects.filter(user=publisher).update(role="", custom_role=CustomRole.objects.get(slug="hr"))
    refused = apply({"a.yaml": ROLE}, actor=publisher)
    assert "it allows what you may not do in Payments yourself" in actions(refused)["Role payments/captain"]
    assert "Only a platform admin" in actions(apply({"a.yaml": ROLE.replace("team: payments, ", "")}))["Role captain"]
    wrong = apply({"a.yaml": doc("Membership", "team: payments, email: x@example.com", "{role: boss}")})
    assert "There is no role 'boss' in Payments. Choose one of: owner" in wrong.entries[0].problems[0].detail
    assert wrong.entries[0].problems[0].line == 5


def test_a_role_in_use_is_pruned_only_after_its_members_have_another(apply, plan, member):
    apply({"a.yaml": ROLE + MEMBER}, source="repo")
    kept = plan({"a.yaml": doc("Team", "slug: payments")}, source="repo", prunes=True)
    assert {name: said for name, said in actions(kept).items() if said != "none"} == {
        "Membership payments/member@example.com": "remove", "Role payments/captain": "remove",
    }  # fmt: skip
    Membership.objects.create(user=member, team=Team.objects.create(slug="x", name="X"), role="viewer")
    viewer = MEMBER.replace("captain", "viewer")
    assert actions(apply({"a.yaml": viewer}, source="repo", prunes=True))["Role payments/captain"] == "remove"
    assert not CustomRole.objects.exists()


def test_an_invitation_that_was_accepted_is_still_the_sources(apply, plan, team, make_user, owner):
    apply({"a.yaml": ROLE + GUEST}, source="repo")
    Invitation.objects.all().delete()
    _, code = invite_member(team=team, email="guest@example.com", role="captain", actor=owner)
    accept_invitation(code=code, user=make_user("guest"))
    assert entry_of(plan({"a.yaml": ROLE + GUEST}, source="repo"), "Membership").notes == []
    apply({"a.yaml": ROLE}, source="repo", prunes=True)
    assert not Membership.objects.filter(user__email="guest@example.com").exists()
    assert not ManagedObject.objects.filter(kind="Membership").exists()


def test_teams_are_made_and_moved_below_one_another_whatever_their_order(apply, export, owner):
    sent = doc("Team", "slug: cards", "{parent: money}") + doc("Team", "slug: money", "{parent: payments}")
    done = apply({"a.yaml": sent})
    assert [entry.key for entry in done.entries] == ["money", "cards"]
    assert entry_of(done, "Team").notes == ["Who manages Payments manages it too."]
    cards = Team.objects.get(slug="cards")
    assert (cards.parent.slug, len(cards.ancestor_ids)) == ("money", 2)
    assert "  parent: money\n" in export(team="cards")
    moved = apply({"a.yaml": sent.replace("{parent: money}", "{parent: payments}")})
    assert [(change.field, change.old, change.new) for entry in moved.entries for change in entry.changes] == [
        ("parent", "money", "payments")
    ]
    circle = apply({"a.yaml": doc("Team", "slug: money", "{parent: money}")})
    assert "money lies below money or is it" in actions(circle)["Team money"]
    unknown = apply({"a.yaml": doc("Team", "slug: money", "{parent: nobody}")})
    assert (unknown.entries[0].problems[0].detail, unknown.entries[0].problems[0].line) == (
        "There is no team called 'nobody' that you are in.", 5,
    )  # fmt: skip


def test_rules_of_a_tree_get_stricter_and_laxer_in_one_apply(apply, team, owner):
    team.required_approvals = 1
    team.save()
    create_team(name="Below", slug="below", parent=team, actor=owner)
    for count in (2, 1):
        rules = f"{{required_approvals: {count}}}"
        done = apply({"a.yaml": doc("Team", "slug: payments", rules) + doc("Team", "slug: below", rules)})
        assert done.is_applied, actions(done)
        assert set(Team.objects.values_list("required_approvals", flat=True)) >= {count}
    strict = create_team(name="Strict", slug="strict", actor=owner, required_approvals=3, minimum_notice_days=0)
    below = doc("Team", "slug: below", "{parent: strict, required_approvals: 3}")
    assert actions(apply({"a.yaml": below})) == {"Team below": "change"}
    assert Team.objects.get(slug="below").parent == strict
    back = doc("Team", "slug: below", "{parent: payments, required_approvals: 1}")
    assert actions(apply({"a.yaml": back})) == {"Team below": "change"}
    assert (
        "is stricter (approvals)"
        in actions(apply({"a.yaml": below.replace(", required_approvals: 3", "")}))["Team below"]
    )


def overlay(name: str, more: str = "", document: str = "{file: partners.yaml}") -> str:
    where = f"team: payments, api: orders, version: v1, name: {name}"
    return doc("Overlay", where, f"{{document: {document}{more}}}")


def test_overlays_stand_in_the_order_they_ask_for(files, apply, plan, export):
    text = overlay("c", ", order: 3") + overlay("a", ", order: 1") + overlay("b", ", order: 2, is_enabled: false")
    sent = {**files, "payments/x.yaml": text, "payments/partners.yaml": OVERLAY}
    done = apply(sent, source="repo")
    assert done.is_applied, actions(done)
    assert list(Overlay.objects.values_list("name", "position", "is_enabled", "source")) == [
        ("a", 1, True, OVERLAY), ("b", 2, False, OVERLAY), ("c", 3, True, OVERLAY),
    ]  # fmt: skip
    assert set(actions(apply(sent, source="repo")).values()) == {"none"}
    first = {**sent, "payments/x.yaml": text.replace("order: 3", "order: 1").replace("a}", "a, order: 3}")}
    first["payments/x.yaml"] = overlay("c", ", order: 1") + overlay("a", ", order: 2") + overlay("b", ", order: 9")
    apply(first, source="repo")
    assert list(Overlay.objects.values_list("name", flat=True)) == ["c", "a", "b"]
    assert Overlay.objects.get(name="b").is_enabled is False
    assert set(actions(apply(first, source="repo")).values()) == {"none"}
    fewer = {**files, "payments/x.yaml": overlay("a"), "payments/partners.yaml": OVERLAY}
    pruned = apply(fewer, source="repo", prunes=True)
    assert sum(entry.action == "remove" for entry in pruned.entries) == 2
    assert Overlay.objects.get().position == 1


def test_an_overlay_is_refused_where_it_stands(files, apply):
    sent = {**files, "payments/x.yaml": overlay("a"), "payments/partners.yaml": OVERLAY.replace("$.info", "$.[")}
    refused = entry_of(apply(sent), "Overlay")
    assert refused.problems[0].pointer == "/spec/document"
    assert "line 5" in refused.problems[0].detail
    sent = {**files, "payments/x.yaml": overlay("a", ", environments: [moon]"), "payments/partners.yaml": OVERLAY}
    assert "There is no environment 'moon'" in entry_of(apply(sent), "Overlay").problems[0].detail
    alone = apply({"x.yaml": overlay("a", document="x")})
    assert "There is no API payments/orders" in alone.entries[0].problems[0].detail


def test_an_overlay_by_manifest_reaches_the_gateways(files, apply):
    apply(files)
    before = Change.objects.count()
    inline = overlay("a", document="{overlay: 1.1.0, info: {title: A, version: '1'}, actions: "
                                   "[{target: '$.paths', remove: true}]}")  # fmt: skip
    done = apply({"x.yaml": inline})
    assert done.is_applied, actions(done)
    assert Change.objects.count() >= before
    assert set(actions(apply({"x.yaml": inline})).values()) == {"none"}


LINT = doc("LintRuleset", "team: payments", "{spectral: {file: rules.yaml}, severities: {paths-in-kebab: error}}")


def test_rules_come_with_their_severities_and_are_named_in_the_plan(apply, plan, export, team):
    sent = {"lint.yaml": LINT, "rules.yaml": SPECTRAL}
    done = apply(sent)
    assert done.is_applied, actions(done)
    assert entry_of(done, "LintRuleset").notes == ["Rules added: paths-in-kebab."]
    assert LintRuleset.objects.get().spectral == SPECTRAL
    assert ruleset_for(team).severity_of("paths-in-kebab") == "error"
    assert set(actions(apply(sent)).values()) == {"none"}
    assert "# House rules." in export(kinds=["LintRuleset"])
    gone = doc("LintRuleset", "team: payments", "{spectral: '', severities: {}}")
    assert entry_of(apply({"a.yaml": gone}), "LintRuleset").notes == ["Rules taken away: paths-in-kebab."]
    assert set(actions(plan({"a.yaml": gone})).values()) == {"none"}


def test_a_wrong_ruleset_is_refused_with_its_line(apply):
    refused = apply({"lint.yaml": LINT, "rules.yaml": SPECTRAL.replace("function: pattern", "function: patern")})
    problem = refused.entries[0].problems[0]
    assert (problem.pointer, problem.line) == ("/spec/spectral", 5)
    assert "Line 6:" in problem.detail or "Line 7:" in problem.detail


def test_each_team_is_told_of_its_own_objects(apply, owner):
    Event.objects.all().delete()
    apply({"a.yaml": doc("Team", "slug: below", "{parent: payments}") + ROLE}, source="repo")
    told = {event.team.slug: event.data for event in Event.objects.filter(type="manifests.applied")}
    assert told["payments"]["objects"] == ["Role payments/captain"]
    assert (told["below"]["objects"], told["below"]["source"]) == (["Team below"], "repo")
