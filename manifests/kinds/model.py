"""Kind Model: one model of a provider, with the price set here."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from common.errors import Conflict, Invalid
from manifests.kinds.kind import Kind, Step, given
from manifests.schema import TEXT, TRUTH, whole_number
from providers.models import Model, Provider
from providers.services.models import FIELDS, create_model, set_price, update_model
from teams.models import Team, User

PRICE_FIELDS = ("input_usd_per_million", "output_usd_per_million", "cached_input_usd_per_million")
AMOUNT = {"type": ["string", "number"], "description": "US dollars per million tokens, such as '0.15'."}
PRICE = {
    "type": "object",
    "properties": dict.fromkeys(PRICE_FIELDS, AMOUNT),
    "required": [*PRICE_FIELDS[:2]],
    "additionalProperties": False,
}


class ModelKind(Kind[Model]):
    """A model; a price that differs is set from now on, older ones stay in the book."""

    name = "Model"
    identity = ("provider", "name")
    properties = {
        "display_name": TEXT,
        "context_tokens": whole_number(1),
        "max_output_tokens": whole_number(1),
        "is_active": TRUTH,
        "price": PRICE,
    }

    def find(self, metadata: Mapping[str, Any], actor: User) -> Model | None:
        """Return a provider's model."""
        rows = Model.objects.select_related("provider").filter(provider__slug=metadata["provider"])
        return rows.filter(name=metadata["name"]).first()

    def rows(self, team: Team | None, actor: User) -> Iterable[Model]:
        """Return all models."""
        return [] if team else Model.objects.select_related("provider").order_by("provider__slug", "name")

    def identify(self, row: Model) -> dict[str, Any]:
        """Name it by its provider and name."""
        return {"provider": row.provider.slug, "name": row.name}

    def read(self, row: Model) -> dict[str, Any]:
        """Return its bounds and its price."""
        price = row.prices.first()
        prices = {name: getattr(price, name) for name in PRICE_FIELDS} if price else {}
        written = {name: _write(amount) for name, amount in prices.items() if amount is not None}
        return {**{name: getattr(row, name) for name in FIELDS}, "price": written or None}

    def normal(self, spec: dict[str, Any], row: Model | None) -> dict[str, Any]:
        """Write amounts in one form."""
        if "price" not in spec:
            return spec
        return {**spec, "price": {name: _write(_amount(spec["price"], name)) for name in spec["price"]}}

    def create(self, metadata: Mapping[str, Any], spec: dict[str, Any], step: Step) -> None:
        """Add it."""
        provider = Provider.objects.filter(slug=metadata["provider"]).first()
        if provider is None:
            detail = f"There is no provider {metadata['provider']!r}: its own manifest, of kind Provider, comes first."
            raise Conflict(detail, code="not-found")
        model = create_model(provider=provider, name=metadata["name"], actor=step.actor, **given(spec, FIELDS))
        if "price" in spec:
            self._set_price(model, spec, step)

    def update(self, row: Model, spec: dict[str, Any], changed: Collection[str], step: Step) -> None:
        """Change it."""
        if changes := given(spec, [name for name in FIELDS if name in changed]):
            update_model(model=row, actor=step.actor, **changes)
        if "price" in changed:
            self._set_price(row, spec, step)

    def _set_price(self, row: Model, spec: Mapping[str, Any], step: Step) -> None:
        amounts = {name: _amount(spec["price"], name) for name in PRICE_FIELDS if name in spec["price"]}
        set_price(
            model=row, actor=step.actor, input_usd_per_million=amounts["input_usd_per_million"],
            output_usd_per_million=amounts["output_usd_per_million"],
            cached_input_usd_per_million=amounts.get("cached_input_usd_per_million"),
        )  # fmt: skip

    def file(self, metadata: Mapping[str, Any]) -> str:
        """Keep it with its provider."""
        return f"platform/providers/{metadata['provider']}.yaml"

    def url(self, row: Model) -> str:
        """Return the model's page."""
        return f"/ai/models/{row.wire_name}"


def _amount(price: Mapping[str, Any], name: str) -> Decimal:
    try:
        return Decimal(str(price[name]))
    except InvalidOperation as error:
        detail = f"{price[name]!r} is no amount: write it as '0.15'."
        raise Invalid(detail, errors=[{"detail": detail, "pointer": f"/price/{name}"}]) from error


def _write(amount: Decimal) -> str:
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
