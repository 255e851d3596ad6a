"""Which source keeps an object, what it removes, and what two applies at once do to each other."""

import threading

import pytest
from django.db import connection

from apis.models import Api, Plan, Subscription
from common.errors import Invalid, Stale
from manifests.models import ManagedObject, ManifestApply
from manifests.reading import read_manifests
from manifests.services.applying import Options, apply_manifests
from teams.models import Membership
from teams.services.applications import update_application
from tests.manifests.conftest import ORDERS, actions

pytestmark = pytest.mark.django_db


def without(text: str, kind: str) -> str:
    return "---\n".join(part for part in text.split("---\n") if f"kind: {kind}\n" not in part)


def test_what_a_source_applied_is_marked_and_a_change_elsewhere_is_told(files, apply, plan, owner):
    apply(files, source="repo")
    assert ManagedObject.objects.filter(source="repo").count() == 5
    held = ManagedObject.objects.get(kind="Application")
    from teams.models import Application

    row = Application.objects.get(pk=held.object_id)
    update_application(application=row, actor=owner, name=row.name, description="By hand.")
    entry = next(entry for entry in plan(files, source="repo").entries if entry.kind == "Application")
    assert entry.action == "change"
    assert "It was changed elsewhere since the apply" in entry.notes[0]
    apply(files, source="repo")
    row.refresh_from_db()
    assert row.description == "The shop's checkout."
    assert plan(files, source="repo").entries[0].notes == []


def test_what_one_source_keeps_another_does_not_take_by_accident(files, apply):
    apply(files, source="repo")
    refused = apply(files, source="other")
    assert not refused.is_applied
    assert "It is managed by repo" in next(iter(actions(refused).values()))
    assert apply(files, source="other", takes_over=True).is_applied
    assert set(ManagedObject.objects.values_list("source", flat=True)) == {"other"}


def test_who_may_not_change_an_object_does_not_mark_it_either(files, apply, member):
    apply(files)
    done = apply(files, actor=member, source="mine")
    assert set(actions(done).values()) == {"none"}
    assert not ManagedObject.objects.exists()
    apply(files, source="repo")
    assert ManagedObject.objects.count() == 5


def test_prune_removes_what_the_source_names_no_more_and_nothing_else(files, apply, plan):
    apply(files, source="repo")
    fewer = {**files, "payments/orders.yaml": without(without(ORDERS, "Subscription"), "Plan")}
    assert set(actions(plan(fewer, source="repo")).values()) == {"none"}
    pruned = plan(fewer, source="repo", prunes=True)
    wanted = {"Subscription payments/Checkout/payments/orders/v1": "remove", "Plan payments/orders/gold": "remove"}
    assert {name: action for name, action in actions(pruned).items() if action != "none"} == wanted
    assert Subscription.objects.filter(state="active").count() == 1
    apply(fewer, source="repo", prunes=True)
    assert Subscription.objects.get().state == "ended"
    assert Plan.objects.get(slug="gold").is_open is False
    assert set(actions(apply(fewer, source="repo", prunes=True)).values()) == {"none"}


def test_prune_never_takes_a_version_or_an_application_away(files, apply):
    apply(files, source="repo")
    left = apply({"a.yaml": without(without(ORDERS, "ApiVersion"), "Application").replace("{file: openapi.yaml}", "x")},
                 source="repo", prunes=True)  # fmt: skip
    notes = {f"{entry.kind}": entry.notes for entry in left.entries if entry.kind in ("ApiVersion", "Application")}
    assert all("prune never takes it away" in note[0] for note in notes.values())
    assert len(notes) == 2
    assert Api.objects.get(slug="orders").versions.get().state == "published"


def test_prune_asks_for_a_source_and_tells_a_stranger_nothing(files, apply, plan, stranger):
    with pytest.raises(Invalid, match="Pruning needs a source"):
        plan(files, prunes=True)
    apply(files, source="repo")
    other = {"a.yaml": "apiVersion: gatehouse/v1\nkind: Team\nmetadata: {slug: mine}\n"}
    assert list(actions(plan(other, actor=stranger, source="repo", prunes=True))) == ["Team mine"]


def test_a_plan_of_another_state_is_refused(files, apply, plan, owner, team):
    seen = plan(files).hash
    api = files["payments/orders.yaml"].partition("---")[0]
    apply({"a.yaml": api})
    with pytest.raises(Stale, match="Plan again"):
        apply(files, plan_hash=seen)


@pytest.mark.django_db(transaction=True)
def test_of_two_applies_at_once_one_wins_and_nothing_is_half(files, owner, plan):
    seen = plan(files, source="repo").hash
    other = {**files, "payments/orders.yaml": ORDERS.replace("Orders of the shop.", "Theirs.")}
    theirs = plan(other, source="repo").hash
    barrier, results = threading.Barrier(2), []

    def go(sent, hash_of_plan):
        try:
            barrier.wait()
            options = Options(source="repo", plan_hash=hash_of_plan)
            apply_manifests(manifests=read_manifests(files=sent), actor=owner, options=options)
            results.append("applied")
        except Stale:
            results.append("stale")
        finally:
            connection.close()

    threads = [threading.Thread(target=go, args=args) for args in ((files, seen), (other, theirs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(results) == ["applied", "stale"]
    assert (Api.objects.filter(slug="orders").count(), Subscription.objects.count()) == (1, 1)
    assert ManifestApply.objects.count() == 1


def test_a_refusal_in_the_middle_leaves_nothing_behind(files, apply, owner, team):
    Membership.objects.filter(user=owner).update(role="developer")
    done = apply(files, source="repo")
    assert not done.is_applied
    assert "Only a publisher of Payments may add a plan" in actions(done)["Plan payments/orders/gold"]
    assert not Api.objects.filter(slug="orders").exists()
    assert not ManagedObject.objects.exists()
    assert ManifestApply.objects.get().outcome == "refused"
