"""What is asked of prompts."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from apis.models import Api, ApiVersion, Revision
from common.errors import NotFound
from prompts.models import PromptTemplate, PromptVersion
from teams.models import User
from teams.roles import teams_of


def prompt_of(revision: Revision) -> str:
    """Return the public id of the prompt version a revision carries, "" when none.

    A revision copied from a frozen one (taken back, rejected) carries the prompt of the one it was copied from.
    """
    rows = PromptVersion.objects.filter(revision__version=revision.version_id, revision__number__lte=revision.number)
    return rows.order_by("-revision__number").values_list("public_id", flat=True).first() or ""


def templates_behind(api: Api) -> QuerySet[PromptTemplate]:
    """Return the prompts that an API's revisions carry."""
    carried = PromptVersion.objects.filter(revision__version__api=api).values("template")
    return PromptTemplate.objects.filter(pk__in=carried).select_related("team")


def prompts_behind(api: Api) -> list[str]:
    """Return the names of the prompts that an API's revisions carry."""
    return list(templates_behind(api).values_list("name", flat=True))


def prompts_for(user: User) -> QuerySet[PromptTemplate]:
    """Return the prompts of the person's teams."""
    return PromptTemplate.objects.filter(team__in=teams_of(user)).select_related("team")


def prompt_for(user: User, team_slug: str, slug: str) -> PromptTemplate:
    """Return a prompt the person may see; raise NotFound."""
    found = prompts_for(user).filter(team__slug=team_slug, slug=slug).first()
    if found is None:
        raise NotFound("There is nothing here, or it is not shared with you.")
    return found


def prompt_by_id(user: User, public_id: str) -> PromptTemplate:
    """Return a prompt the person may see by its public id; raise NotFound."""
    found = prompts_for(user).filter(Q(public_id=public_id)).first()
    if found is None:
        raise NotFound("There is nothing here, or it is not shared with you.")
    return found


def latest_version(template: PromptTemplate) -> PromptVersion | None:
    """Return a prompt's newest version."""
    return template.versions.select_related("revision__version__api__team").order_by("-number").first()


def published_as(template: PromptTemplate) -> ApiVersion | None:
    """Return the API version the prompt was last published as."""
    row = (
        template.versions.filter(revision__isnull=False)
        .select_related("revision__version__api__team")
        .order_by("-number")
        .first()
    )
    return row.revision.version if row and row.revision else None
