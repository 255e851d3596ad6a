"""Kind Environment: a place to deploy to, of the whole installation."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from apis.models import Environment
from apis.selectors.environments import environments
from apis.services.environments import create_environment
from common.errors import Conflict, Invalid
from manifests.kinds.kind import Kind, Step
from manifests.schema import TEXT
from teams.models import Team, User


class EnvironmentKind(Kind[Environment]):
    """An environment; keys belong to it, so it is only ever added."""

    name = "Environment"
    identity = ("slug",)
    properties = {"name": TEXT}

    def find(self, metadata: Mapping[str, Any], actor: User) -> Environment | None:
        """Return the environment."""
        return Environment.objects.filter(slug=metadata["slug"]).first()

    def rows(self, team: Team | None, actor: User) -> Iterable[Environment]:
        """Return all, production first."""
        return [] if team else environments()

    def identify(self, row: Environment) -> dict[str, Any]:
        """Name it by its slug."""
        return {"slug": row.slug}

    def read(self, row: Environment) -> dict[str, Any]:
        """Return its name."""
        return {"name": row.name}

    def create(self, metadata: Mapping[str, Any], spec: dict[str, Any], step: Step) -> None:
        """Add it."""
        create_environment(slug=metadata["slug"], name=spec.get("name", ""), actor=step.actor)

    def update(self, row: Environment, spec: dict[str, Any], changed: Collection[str], step: Step) -> None:
        """Refuse: keys and headers name it."""
        raise Conflict(f"The environment {row.slug} keeps its name, {row.name}.", code="move-not-possible")

    def file(self, metadata: Mapping[str, Any]) -> str:
        """Keep all environments together."""
        return "platform/environments.yaml"

    def url(self, row: Environment) -> str:
        """Return the page of environments."""
        return "/admin/environments"


def environment_called(slug: str, pointer: str) -> Environment:
    """Return an environment; raise Invalid at the place that names one that is not there."""
    found = Environment.objects.filter(slug=slug).first()
    if found is None:
        detail = f"There is no environment {slug!r}: a platform admin adds it, by a manifest of kind Environment."
        raise Invalid(detail, errors=[{"detail": detail, "pointer": pointer}])
    return found
