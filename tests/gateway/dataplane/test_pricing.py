"""Prices: integers, rounded up, never below what was used, and no silent zero."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dataplane.errors import PriceUnknown
from gateway.dataplane.pricing import Usage, Worst, bound_tokens, choose_price, cost_nano, worst_cost_nano
from gateway.dataplane.records import LimitRecord, PlanRecord, PriceRecord

PRICE = PriceRecord(75_000_000, 300_000_000, cached_input_nano_per_million=7_500_000)


def test_ten_tokens_at_0_075_dollars_per_million_are_750_nano() -> None:
    assert cost_nano(PRICE, Usage(10, 0)) == 750


def test_a_fraction_of_a_nano_is_rounded_up() -> None:
    assert cost_nano(PriceRecord(1, 1), Usage(1, 0)) == 1
    assert cost_nano(PriceRecord(0, 0), Usage(1000, 1000)) == 0


def test_cached_input_has_its_own_price_and_without_one_the_full_price() -> None:
    assert cost_nano(PRICE, Usage(100, 0, cached_tokens=80)) == 20 * 75 + 600
    assert cost_nano(PriceRecord(75_000_000, 0), Usage(100, 0, cached_tokens=80)) == 7500


@given(
    text=st.text(max_size=200),
    cap=st.integers(1, 10_000),
    choices=st.integers(1, 5),
    prices=st.tuples(*[st.integers(0, 10**11)] * 3),
    shares=st.tuples(*[st.floats(0, 1)] * 3),
)
def test_the_actual_cost_never_exceeds_the_worst(
    text: str, cap: int, choices: int, prices: tuple[int, int, int], shares: tuple[float, float, float]
) -> None:
    worst = bound_tokens(body_bytes=len(text.encode()), messages=1, output_cap=cap, choices=choices)
    price = PriceRecord(prices[0], prices[1], cached_input_nano_per_million=prices[2])
    input_tokens = int(worst.input_tokens * shares[0])
    usage = Usage(input_tokens, int(worst.output_tokens * shares[1]), int(input_tokens * shares[2]))
    assert cost_nano(price, usage) <= worst_cost_nano(price, worst)
    assert worst.tokens >= usage.input_tokens + usage.output_tokens


def test_an_unknown_price_is_told_as_unknown() -> None:
    assert choose_price({}, "a/b", PlanRecord("free")) == (None, "unknown")
    assert choose_price({"a/b": PRICE}, "a/b", PlanRecord("free")) == (PRICE, "priced")


def test_a_plan_may_charge_a_default_price() -> None:
    assert choose_price({"*": PRICE}, "a/b", PlanRecord("free", unknown_price="default")) == (PRICE, "priced")
    assert choose_price({}, "a/b", PlanRecord("free", unknown_price="default")) == (None, "unknown")


@pytest.mark.parametrize(
    "plan",
    [
        PlanRecord("strict", unknown_price="block"),
        PlanRecord("budgeted", limits=(LimitRecord("spend", 10**9, 86_400, "nano_usd"),)),
    ],
)
def test_a_plan_may_refuse_models_without_a_price(plan: PlanRecord) -> None:
    with pytest.raises(PriceUnknown) as caught:
        choose_price({}, "a/b", plan)
    assert caught.value.status == 403
    assert plan.name in caught.value.rule


def test_the_bound_multiplies_the_cap_by_the_choices() -> None:
    assert bound_tokens(body_bytes=100, messages=2, output_cap=50, choices=3) == Worst(132, 150)
