"""Prompts over REST."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, ClassVar

from django_filters import CharFilter
from django_filters.rest_framework.filterset import FilterSet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apis.rest.serializers import VersionSerializer
from common.concurrency import require_match
from common.errors import NotFound
from common.rest import PublicViewSet
from prompts import selectors
from prompts.models import PromptTemplate, PromptVersion
from prompts.rest import serializers as forms
from prompts.services.playground import run_prompt
from prompts.services.prompts import create_prompt, save_prompt_version
from prompts.services.publication import publish_prompt
from teams.roles import require_permission
from teams.selectors import team_for


class PromptFilter(FilterSet):
    """By team and words of the name."""

    team = CharFilter(field_name="team__public_id")
    q = CharFilter(field_name="name", lookup_expr="icontains")

    class Meta:
        model = PromptTemplate
        fields: ClassVar[list[str]] = []


class PromptViewSet(PublicViewSet):
    """The prompts of one's teams."""

    permissions: ClassVar = {
        "list": "signed_in", "create": "prompts.edit", "retrieve": "team.view", "run": "prompts.edit",
        "publish": "apis.publish",
    }  # fmt: skip
    serializer_class = forms.PromptSerializer
    filterset_class = PromptFilter
    queryset = PromptTemplate.objects.none()

    def get_queryset(self) -> Any:
        """Return the prompts to be seen."""
        return selectors.prompts_for(self.actor)

    @extend_schema(request=forms.NewPromptSerializer, responses={201: forms.PromptSerializer})
    def create(self, request: Request) -> Response:
        """Create a prompt with its first version."""
        body = self.body(forms.NewPromptSerializer)
        team = team_for(self.actor, body.pop("team"))
        return self.answer(create_prompt(team=team, actor=self.actor, **body), status=201)

    def _latest(self) -> PromptVersion:
        version = selectors.latest_version(self.get_object())
        if version is None:
            raise NotFound("This prompt has no text yet.")
        return version

    @extend_schema(request=forms.RunSerializer, responses=forms.RunResultSerializer)
    def run(self, request: Request, public_id: str) -> Response:
        """Run the newest version with arguments."""
        arguments = self.body(forms.RunSerializer)["arguments"]
        run = run_prompt(version=self._latest(), arguments=arguments, actor=self.actor)
        return Response(forms.RunResultSerializer(asdict(run)).data)

    @extend_schema(request=forms.PublishSerializer, responses={201: VersionSerializer})
    def publish(self, request: Request, public_id: str) -> Response:
        """Publish the newest version as an API, or as the next version of the one it is.

        Where the team asks for approvals the answer's state is `in_review`. If-Match may name the version that was
        read; what was published already is refused in any case.
        """
        version = self._latest()
        if (seen := request.headers.get("If-Match")) is not None:
            require_match(version, seen)
        made = publish_prompt(version=version, actor=self.actor, **self.body(forms.PublishSerializer))
        return self.answer(made, status=201, serializer_class=VersionSerializer)


class PromptVersionViewSet(PublicViewSet):
    """The versions of a prompt."""

    permissions: ClassVar = {"list": "team.view", "retrieve": "team.view", "create": "prompts.edit"}
    serializer_class = forms.PromptVersionSerializer
    lookup_field = "number"
    queryset = PromptVersion.objects.none()

    def get_queryset(self) -> Any:
        """Return the prompt's versions."""
        return selectors.prompt_by_id(self.actor, self.kwargs["prompt"]).versions.all()

    @extend_schema(
        request=forms.ContentSerializer,
        responses={200: forms.PromptVersionSerializer, 201: forms.PromptVersionSerializer},
    )
    def create(self, request: Request, prompt: str) -> Response:
        """Save the working version, as If-Match names it; after a publication this makes the next one."""
        template = selectors.prompt_by_id(self.actor, prompt)
        require_permission(actor=self.actor, team=template.team, permission="prompts.edit", what="edit its prompts")
        current, seen = selectors.latest_version(template), None
        if current is not None and current.revision_id is None:
            require_match(current, request.headers.get("If-Match"))
            seen = current.row_version
        body = self.body(forms.ContentSerializer)
        saved = save_prompt_version(template=template, actor=self.actor, row_version=seen, **body)
        return self.answer(saved, status=200 if seen is not None else 201)
