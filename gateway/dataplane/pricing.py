"""What a model call may cost at worst and what it did cost: integers of nano-USD, always rounded up."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.dataplane.errors import PriceUnknown
from gateway.dataplane.records import PlanRecord, PriceRecord

TOKENS_PER_PRICE = 1_000_000
# Roles and separators that chat templates add round each message.
MESSAGE_OVERHEAD_TOKENS = 16
DEFAULT_OUTPUT_TOKENS = 4096
# A price under this name is what `unknown_price: default` charges.
DEFAULT_PRICE = "*"


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call. `cached` is part of `input`. Estimated when the provider did not say."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    is_estimated: bool = False


@dataclass(frozen=True, slots=True)
class Worst:
    """Upper bounds of one call, known before it is sent."""

    input_tokens: int
    output_tokens: int

    @property
    def tokens(self) -> int:
        """Return both together."""
        return self.input_tokens + self.output_tokens


def bound_tokens(*, body_bytes: int, messages: int, output_cap: int, choices: int) -> Worst:
    """Bound a text call: no tokenizer makes more tokens than the text has UTF-8 bytes."""
    return Worst(body_bytes + messages * MESSAGE_OVERHEAD_TOKENS, output_cap * choices)


def estimate_tokens(text_bytes: int) -> int:
    """Guess the tokens of a text, four bytes each; for what a provider did not report, marked as estimated."""
    return -(-text_bytes // 4)


def worst_cost_nano(price: PriceRecord, worst: Worst) -> int:
    """Return the most a call can cost: nothing of the input cached, at the dearer of the two input prices."""
    dearest = max(price.input_nano_per_million, price.cached_input_nano_per_million or 0)
    return _round_up(worst.input_tokens * dearest + worst.output_tokens * price.output_nano_per_million)


def cost_nano(price: PriceRecord, usage: Usage) -> int:
    """Return what a call cost; cached input counts at its own price where there is one."""
    cached = min(usage.cached_tokens, usage.input_tokens)
    cached_price = price.cached_input_nano_per_million
    if cached_price is None:
        cached_price = price.input_nano_per_million
    total = (usage.input_tokens - cached) * price.input_nano_per_million + cached * cached_price
    return _round_up(total + usage.output_tokens * price.output_nano_per_million)


def choose_price(prices: dict[str, PriceRecord], model: str, plan: PlanRecord | None) -> tuple[PriceRecord | None, str]:
    """Return the price and its state, `priced` or `unknown`; raise PriceUnknown when the plan blocks such models."""
    price = prices.get(model)
    if price is not None:
        return price, "priced"
    rule = plan.unknown_price if plan is not None else "warn"
    if rule == "default" and DEFAULT_PRICE in prices:
        return prices[DEFAULT_PRICE], "priced"
    if rule == "block" or _has_budget(plan):
        name = plan.name if plan is not None else ""
        raise PriceUnknown(
            f"The model {model} has no price and plan {name} takes no call without one. "
            "Use a priced model, or ask an admin to set its price.",
            rule=f"{name} unknown_price",
            param="model",
        )
    return None, "unknown"


def _has_budget(plan: PlanRecord | None) -> bool:
    """Say whether money is limited: a call of unknown price has no provable worst case under a budget."""
    return plan is not None and any(limit.unit == "nano_usd" for limit in plan.limits)


def _round_up(nano_per_million_tokens: int) -> int:
    return -(-nano_per_million_tokens // TOKENS_PER_PRICE)
