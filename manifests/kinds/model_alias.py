"""Kind ModelAlias: another name for a model."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from common.errors import Invalid
from manifests.kinds.kind import Kind, Step
from manifests.schema import TEXT
from providers.models import Model, ModelAlias
from providers.services.models import remove_alias, set_alias
from teams.models import Team, User


class ModelAliasKind(Kind[ModelAlias]):
    """An alias; `model` is the name on the wire, such as openai/gpt-4o."""

    name = "ModelAlias"
    identity = ("name",)
    properties = {"model": TEXT}
    required = ("model",)
    removal = "remove"

    def find(self, metadata: Mapping[str, Any], actor: User) -> ModelAlias | None:
        """Return the alias."""
        return ModelAlias.objects.select_related("model__provider").filter(name=metadata["name"]).first()

    def rows(self, team: Team | None, actor: User) -> Iterable[ModelAlias]:
        """Return all aliases."""
        return [] if team else ModelAlias.objects.select_related("model__provider").order_by("name")

    def identify(self, row: ModelAlias) -> dict[str, Any]:
        """Name it by its name."""
        return {"name": row.name}

    def read(self, row: ModelAlias) -> dict[str, Any]:
        """Return what it names."""
        return {"model": row.model.wire_name}

    def create(self, metadata: Mapping[str, Any], spec: dict[str, Any], step: Step) -> None:
        """Let it name the model."""
        set_alias(name=metadata["name"], model=_model(spec["model"]), actor=step.actor)

    def update(self, row: ModelAlias, spec: dict[str, Any], changed: Collection[str], step: Step) -> None:
        """Let it name another model."""
        set_alias(name=row.name, model=_model(spec["model"]), actor=step.actor)

    def remove(self, row: ModelAlias, step: Step) -> None:
        """Take it away: calls that name it get 404."""
        remove_alias(alias=row, actor=step.actor)

    def file(self, metadata: Mapping[str, Any]) -> str:
        """Keep all aliases together."""
        return "platform/aliases.yaml"

    def url(self, row: ModelAlias) -> str:
        """Return the page of models."""
        return "/ai/models"


def _model(name: str) -> Model:
    slug, _, model = name.partition("/")
    found = Model.objects.select_related("provider").filter(provider__slug=slug, name=model).first()
    if found is None:
        detail = f"There is no model {name!r}: write provider/model."
        raise Invalid(detail, errors=[{"detail": detail, "pointer": "/model"}])
    return found
