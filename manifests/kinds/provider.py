"""Kind Provider: a service that answers AI calls. Its key is read from the environment of who applies, or kept."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from manifests.kinds.kind import Kind, Step, given
from manifests.schema import FROM_ENV, KEPT, TEXT, TRUTH
from providers.models import Provider
from providers.services.providers import FIELDS, add_provider_key, create_provider, secret_header, update_provider
from teams.models import Team, User


class ProviderKind(Kind[Provider]):
    """A provider with the key it is asked with."""

    name = "Provider"
    identity = ("slug",)
    properties = {
        "name": TEXT,
        "base_url": TEXT,
        "price_provider": TEXT,
        "is_active": TRUTH,
        "key": {"oneOf": [FROM_ENV, KEPT]},
    }
    write_only = frozenset({"key"})

    def find(self, metadata: Mapping[str, Any], actor: User) -> Provider | None:
        """Return the provider."""
        return Provider.objects.filter(slug=metadata["slug"]).first()

    def rows(self, team: Team | None, actor: User) -> Iterable[Provider]:
        """Return all providers."""
        return [] if team else Provider.objects.order_by("slug")

    def identify(self, row: Provider) -> dict[str, Any]:
        """Name it by its slug."""
        return {"slug": row.slug}

    def read(self, row: Provider) -> dict[str, Any]:
        """Return where it is."""
        return {name: getattr(row, name) for name in FIELDS}

    def normal(self, spec: dict[str, Any], row: Provider | None) -> dict[str, Any]:
        """Write the address as it is kept."""
        return {**spec, "base_url": spec["base_url"].strip().rstrip("/")} if "base_url" in spec else spec

    def more(self, row: Provider) -> dict[str, Any]:
        """Tell its keys apart by their ids."""
        return {"keys": list(row.keys.filter(is_active=True).order_by("id").values_list("public_id", flat=True))}

    def create(self, metadata: Mapping[str, Any], spec: dict[str, Any], step: Step) -> None:
        """Add it, with its key where one is given."""
        fields = {"name": metadata["slug"], "base_url": "", **given(spec, ("name", "base_url", "price_provider"))}
        key = spec.get("key")
        provider = create_provider(
            slug=metadata["slug"], actor=step.actor, secret=key if isinstance(key, str) else "", **fields
        )
        if spec.get("is_active") is False:
            update_provider(provider=provider, actor=step.actor, is_active=False)

    def update(self, row: Provider, spec: dict[str, Any], changed: Collection[str], step: Step) -> None:
        """Change it; a key that is not the one it is asked with is added, and used from then on."""
        if changes := given(spec, [name for name in FIELDS if name in changed]):
            update_provider(provider=row, actor=step.actor, **changes)
        key = spec.get("key")
        if isinstance(key, str) and secret_header(row).get("authorization") != f"Bearer {key.strip()}":
            add_provider_key(provider=row, name="from manifests", secret=key, actor=step.actor)
            step.notes.append("It gets a new key; those before it stay until they are revoked on its page.")

    def file(self, metadata: Mapping[str, Any]) -> str:
        """Give each provider a file, with its models."""
        return f"platform/providers/{metadata['slug']}.yaml"

    def url(self, row: Provider) -> str:
        """Return the provider's page."""
        return f"/ai/providers/{row.slug}"
