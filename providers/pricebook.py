"""The price book: prices set here first, then the price library, else none. Never a silent zero.

The library is genai-prices (offline; its updater thread stays off). Prices are USD per million tokens.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from common.clock import now
from gateway.dataplane.records import PriceRecord
from providers.models import Model

MILLION = 1_000_000
NANO_PER_USD = 10**9


@dataclass(frozen=True, slots=True)
class Price:
    """What a model costs now, and who says so: `set here` or `price library`."""

    input_usd_per_million: Decimal
    output_usd_per_million: Decimal
    cached_input_usd_per_million: Decimal | None
    source: str
    effective_at: datetime | None = None

    def to_record(self) -> PriceRecord:
        """Return the price as the gateway counts with it: integers of nano-USD per million tokens."""
        cached = self.cached_input_usd_per_million
        return PriceRecord(
            input_nano_per_million=_nano(self.input_usd_per_million),
            output_nano_per_million=_nano(self.output_usd_per_million),
            cached_input_nano_per_million=None if cached is None else _nano(cached),
            source=self.source,
            effective_at=None if self.effective_at is None else self.effective_at.timestamp(),
        )


def _nano(usd: Decimal) -> int:
    return int((usd * NANO_PER_USD).to_integral_value())


def price_of(model: Model) -> Price | None:
    """Return a model's price in force, None when nobody knows one."""
    # All of a model's few prices, newest first: a list that prefetched them asks nothing more.
    moment = now()
    row = next((price for price in model.prices.all() if price.effective_at <= moment), None)
    if row is not None:
        return Price(
            row.input_usd_per_million,
            row.output_usd_per_million,
            row.cached_input_usd_per_million,
            "set here",
            row.effective_at,
        )
    return _library_price(model) if model.provider.price_provider else None


def _library_price(model: Model) -> Price | None:
    # Half a second of import that only installations with a known provider pay.
    from genai_prices import Usage, calc_price

    def cost(**usage: int) -> Decimal | None:
        try:
            found = calc_price(Usage(**usage), model_ref=model.name, provider_id=model.provider.price_provider)
        except LookupError:
            return None
        return found.total_price

    # Prices by calculation, so that tiers are taken at their first step: a thousand tokens, scaled to a million.
    per = 1000
    scale = Decimal(MILLION // per)
    without = cost(input_tokens=per, output_tokens=0)
    with_output = cost(input_tokens=per, output_tokens=per)
    cached = cost(input_tokens=per, cache_read_tokens=per, output_tokens=0)
    if without is None or with_output is None:
        return None
    return Price(
        without * scale,
        (with_output - without) * scale,
        None if cached is None or cached == without else cached * scale,
        "price library",
    )
