from __future__ import annotations

from collections import Counter

import pytest

from gateway.dataplane.errors import UpstreamUnavailable
from gateway.dataplane.records import TargetRecord, UpstreamRecord
from gateway.dataplane.upstreams.balancer import Group


class Clock:
    """The monotonic clock, moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def group(*weights: int, clock: Clock | None = None, **fields) -> Group:
    targets = tuple(TargetRecord(f"http://t{number}", weight) for number, weight in enumerate(weights))
    return Group(UpstreamRecord("http://t0", targets=targets, **fields), clock or Clock())


def fail(found: Group, index: int, times: int = 1) -> None:
    for _ in range(times):
        found.targets[index].failed(found.clock(), found.record)


def test_weights_are_met_and_spread_out():
    found = group(5, 1, 1)
    chosen = [found.choose().base_url for _ in range(70)]
    assert Counter(chosen) == {"http://t0": 50, "http://t1": 10, "http://t2": 10}
    # Smooth: no more than the heavy one's share stands in a row.
    assert "".join(name[-1] for name in chosen[:7]) == "0010200"


def test_least_pending_goes_where_least_is_under_way_for_its_weight():
    found = group(2, 1, balance="least_pending")
    found.targets[0].pending, found.targets[1].pending = 3, 1
    assert found.choose() is found.targets[1]
    found.targets[1].pending = 2
    assert found.choose() is found.targets[0]


def test_a_target_that_was_tried_is_not_the_next_one():
    found = group(100, 1)
    first = found.choose()
    assert found.choose([first]) is not first
    # With nothing else left it is asked again.
    assert found.choose(found.targets) in found.targets


def test_a_breaker_opens_tries_one_call_and_closes_or_stays_open_for_longer():
    clock = Clock()
    found = group(1, clock=clock, breaker_failures=3, breaker_seconds=10.0)
    (target,) = found.targets
    fail(found, 0, 2)
    assert found.choose() is target
    fail(found, 0)
    with pytest.raises(UpstreamUnavailable) as caught:
        found.choose()
    assert (b"retry-after", b"10") in caught.value.headers
    clock.now += 11
    assert found.choose() is target
    # Half open: one trial at a time.
    with pytest.raises(UpstreamUnavailable):
        found.choose()
    fail(found, 0)
    clock.now += 11
    with pytest.raises(UpstreamUnavailable):
        found.choose()
    clock.now += 10
    found.choose().succeeded()
    assert found.choose() is found.choose() is target


def test_a_failing_target_leaves_its_calls_to_the_others_and_comes_back():
    clock = Clock()
    found = group(1, 1, clock=clock, breaker_failures=1, breaker_seconds=5.0)
    fail(found, 0)
    assert {found.choose().base_url for _ in range(10)} == {"http://t1"}
    clock.now += 6
    trial = next(target for target in (found.choose() for _ in range(4)) if target is found.targets[0])
    trial.succeeded()
    assert {found.choose().base_url for _ in range(10)} == {"http://t0", "http://t1"}


def test_retries_are_a_fifth_of_the_calls_once_the_savings_are_spent():
    clock = Clock()
    found = group(1, clock=clock, retries=1)
    assert sum(found.may_retry() for _ in range(50)) == 10
    for _ in range(25):
        found.note_call()
    assert sum(found.may_retry() for _ in range(50)) == 5
    clock.now += 3
    assert sum(found.may_retry() for _ in range(50)) == 3


def test_an_unhealthy_target_gets_nothing():
    found = group(1, 1)
    found.targets[1].is_healthy = False
    assert {found.choose().base_url for _ in range(6)} == {"http://t0"}
