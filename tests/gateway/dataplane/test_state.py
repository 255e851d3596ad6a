"""The live state: one reference, deltas that share, and the last good record."""

from __future__ import annotations

import pytest

from gateway.dataplane.keys import Sealer
from gateway.dataplane.records import AliasRecord, ModelRecord, ProviderKeyRecord, UpstreamRecord
from gateway.dataplane.state import LiveState
from tests.gateway.worker import MASTER, change, credential, route, subscription

KEY = "gh_live_x"


def loaded(*changes, max_age_seconds: float = 0.0) -> LiveState:
    live = LiveState(Sealer(MASTER), max_age_seconds=max_age_seconds)
    live.load(epoch="e", generation=1, changes=changes, is_stale=False, age_seconds=0)
    return live


def test_one_changed_route_of_5000_is_one_decoded_payload_and_shares_the_rest() -> None:
    routes = [change("route", f"ver_{n}", route(f"ver_{n}", base_path=f"/pay/api{n}")) for n in range(5000)]
    live = loaded(*routes)
    before, neighbour = live.current(), live.current().router.by_key["ver_4998"]
    applied = live.apply(2, [change("route", "ver_4999", route("ver_4999", base_path="/pay/api4999", state="retired"))])
    assert (applied.decoded, applied.rejected) == (1, ())
    assert live.current() is before
    assert live.current().generation == 2
    assert live.current().router.by_key["ver_4998"] is neighbour
    assert live.current().router.find("/pay/api4999/v1")[0].record.state == "retired"


def test_a_load_swaps_the_reference_and_leaves_the_old_state_to_those_who_hold_it() -> None:
    live = loaded(change("route", "ver_1", route()))
    held = live.current()
    live.load(epoch="e2", generation=9, changes=[], is_stale=True, age_seconds=5)
    assert live.current().router.by_key == {}
    assert held.router.by_key.keys() == {"ver_1"}
    assert live.is_stale
    assert live.age_seconds >= 5


@pytest.mark.parametrize(
    "bad",
    [
        ["route", "ver_1", {"v": 1, "version_id": "ver_1"}],
        ["route", "ver_1", {"v": 99}],
        ["route", "ver_1", "text"],
        ["upstream", "ver_1", {"v": 1, "base_url": "http://in.the.clear"}],
        ["upstream", "ver_1", {"v": 1, "sealed": "AAAA"}],
        change("upstream", "ver_other", UpstreamRecord(base_url="http://moved"))[:1]
        + ["ver_1", change("upstream", "ver_other", UpstreamRecord(base_url="http://moved"))[2]],
    ],
)
def test_a_change_that_cannot_be_read_keeps_the_last_good_record_and_is_reported(bad: list) -> None:
    live = loaded(
        change("route", "ver_1", route()), change("upstream", "ver_1", UpstreamRecord(base_url="http://good"))
    )
    applied = live.apply(2, [bad, change("route", "ver_2", route("ver_2", base_path="/a/b"))])
    assert [(r.kind, r.key) for r in applied.rejected] == [(bad[0], bad[1])]
    assert applied.rejected[0].reason
    assert live.current().router.by_key.keys() == {"ver_1", "ver_2"}
    assert live.current().upstreams["ver_1"].base_url == "http://good"
    assert (bad[0], bad[1]) in live.rejected


def test_a_rejection_is_forgotten_once_a_good_record_comes() -> None:
    live = loaded(["route", "ver_1", {"v": 99}])
    assert live.rejected
    live.apply(2, [change("route", "ver_1", route())])
    assert not live.rejected


def test_a_record_broken_in_a_full_load_keeps_its_last_good_form() -> None:
    live = loaded(change("route", "ver_1", route()))
    live.load(epoch="e", generation=2, changes=[["route", "ver_1", {"v": 99}]], is_stale=False, age_seconds=0)
    assert live.current().router.by_key["ver_1"].record.api_name == "Orders"


def test_a_credential_is_found_by_its_hash_until_it_changes_or_goes() -> None:
    live = loaded(change("credential", "key_1", credential(KEY)), change("credential", "key_2", credential("other")))
    old = credential(KEY).hash
    assert live.current().credential_by_hash(old)[0] == "key_1"
    live.apply(2, [change("credential", "key_1", credential("rotated"))])
    assert live.current().credential_by_hash(old) is None
    live.apply(3, [change("credential", "key_1", None)])
    assert live.current().credential_by_hash(credential("rotated").hash) is None
    assert live.current().credential_by_hash(credential("other").hash)[0] == "key_2"


def test_the_subscription_that_has_not_ended_counts_then_the_newest() -> None:
    live = loaded(
        change("subscription", "sub_old", subscription(state="ended", starts_at=50.0)),
        change("subscription", "sub_new", subscription(state="suspended", starts_at=10.0)),
    )
    find = lambda: live.current().subscription_for("app_1", "ver_1")  # noqa: E731
    assert find()[0] == "sub_new"
    live.apply(2, [change("subscription", "sub_new", subscription(state="ended", starts_at=10.0))])
    assert find()[0] == "sub_old"
    live.apply(3, [change("subscription", "sub_old", None), change("subscription", "sub_new", None)])
    assert find() is None


def test_a_subscription_that_moves_to_another_version_leaves_the_first() -> None:
    live = loaded(change("subscription", "sub_1", subscription()))
    live.apply(2, [change("subscription", "sub_1", subscription("ver_2"))])
    assert live.current().subscription_for("app_1", "ver_1") is None
    assert live.current().subscription_for("app_1", "ver_2")[0] == "sub_1"


def test_provider_keys_are_listed_by_provider_and_only_while_active() -> None:
    live = loaded(
        change("provider_key", "pk_1", ProviderKeyRecord(provider="demo", secret="s1")),
        change("provider_key", "pk_2", ProviderKeyRecord(provider="demo", secret="s2", is_active=False)),
    )
    assert [name for name, _ in live.current().keys_of_provider("demo")] == ["pk_1"]
    live.apply(2, [change("provider_key", "pk_1", ProviderKeyRecord(provider="other", secret="s1"))])
    assert live.current().keys_of_provider("demo") == []
    assert [name for name, _ in live.current().keys_of_provider("other")] == ["pk_1"]


def test_an_alias_leads_to_its_model_while_that_is_active() -> None:
    live = loaded(
        change("model", "demo/smol", ModelRecord(provider="demo", upstream_name="smol")),
        change("alias", "fast", AliasRecord(model="demo/smol")),
    )
    assert live.current().model_named("fast")[0] == live.current().model_named("demo/smol")[0] == "demo/smol"
    live.apply(2, [change("model", "demo/smol", ModelRecord(provider="demo", upstream_name="smol", is_active=False))])
    assert live.current().model_named("fast") is None


@pytest.mark.parametrize(("maximum", "age", "is_too_old"), [(0, 1e9, False), (60, 30, False), (60, 61, True)])
def test_a_state_is_too_old_beyond_its_maximum_age_and_never_at_zero(maximum, age, is_too_old) -> None:
    live = loaded(max_age_seconds=maximum)
    live.set_freshness(is_stale=True, age_seconds=age)
    assert live.is_too_old is is_too_old


def test_a_kind_of_a_newer_control_plane_is_passed_over():
    live = loaded(change("route", "ver_1", route()))
    applied = live.apply(
        2, [["of_tomorrow", "x", {"v": 9}], ["of_tomorrow", "x", None], change("route", "ver_1", None)]
    )
    assert (applied.rejected, live.rejected, applied.decoded) == ((), {}, 0)
    assert live.current().router.by_key == {}
