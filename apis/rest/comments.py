"""Endpoints of comments on revisions."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apis.models import ReviewComment, Revision
from apis.services.comments import LONGEST, comment_on_revision, resolve_comment
from common.errors import NotFound
from common.rest import PublicViewSet
from teams.roles import teams_of


class ReviewCommentSerializer(serializers.ModelSerializer[ReviewComment]):
    """What somebody said about a line of the source; 0 is about all of it."""

    id = serializers.CharField(source="public_id", read_only=True)
    author = serializers.CharField(source="author.name", read_only=True)
    line = serializers.IntegerField(min_value=0, required=False, default=0)
    body = serializers.CharField(max_length=LONGEST)

    class Meta:
        model = ReviewComment
        fields = ("id", "line", "author", "body", "created_at", "resolved_at")
        read_only_fields = ("created_at", "resolved_at")


class ReviewCommentViewSet(PublicViewSet):
    """The comments on a revision of one's own teams."""

    permissions: ClassVar = {"list": "team.view", "create": "apis.design", "resolve": "apis.design"}
    serializer_class = ReviewCommentSerializer
    queryset = ReviewComment.objects.none()

    @property
    def revision(self) -> Revision:
        """Return the revision, or 404."""
        rows = Revision.objects.select_related("version__api__team", "author").defer("document")
        mine = rows.filter(version__api__team__in=teams_of(self.actor).values("pk"))
        found = mine.filter(public_id=self.kwargs["revision"]).first()
        if found is None:
            raise NotFound("There is no such revision, or it is not your team's.")
        return found

    def get_queryset(self) -> Any:
        """Return the revision's comments."""
        return self.revision.comments.select_related("author", "revision__version__api__team")

    @extend_schema(responses={201: ReviewCommentSerializer})
    def create(self, request: Request, revision: str) -> Response:
        """Comment on a line."""
        body = self.body(ReviewCommentSerializer)
        made = comment_on_revision(revision=self.revision, actor=self.actor, **body)
        return Response(ReviewCommentSerializer(made).data, status=201)

    @extend_schema(request=None)
    def resolve(self, request: Request, revision: str, public_id: str) -> Response:
        """Say that a comment is dealt with."""
        done = resolve_comment(comment=self.get_object(), actor=self.actor)
        return Response(ReviewCommentSerializer(done).data)
