"""Roles and permissions over REST."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import Q
from django_filters import CharFilter
from django_filters.rest_framework.filterset import FilterSet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from common.rest import PublicViewSet
from teams.models import CustomRole
from teams.permissions import CATALOGUE, roles_with
from teams.roles import teams_of
from teams.selectors import role_use, team_for
from teams.services.custom_roles import create_role, delete_role, require_maker, update_role


class CustomRoleSerializer(serializers.ModelSerializer[CustomRole]):
    """A role made from permissions; `team` is null where every team uses it."""

    id = serializers.CharField(source="public_id", read_only=True)
    team = serializers.CharField(source="team.public_id", read_only=True, allow_null=True, default=None)
    permissions = serializers.ListField(child=serializers.CharField(max_length=40), max_length=50)
    slug = serializers.CharField(read_only=True)

    class Meta:
        model = CustomRole
        fields = ("id", "slug", "name", "description", "team", "permissions", "created_at")
        # The service knows where a slug is taken.
        validators: ClassVar[list[Any]] = []


class NewRoleSerializer(CustomRoleSerializer):
    """A new role: of the team of that id or slug, or without one of every team."""

    slug = serializers.CharField(max_length=60, required=False)
    team = serializers.CharField(max_length=60, required=False, allow_null=True)


class RoleUseSerializer(serializers.Serializer[Any]):
    """Whom a change of a role hits."""

    members = serializers.IntegerField()
    invitations = serializers.IntegerField()
    teams = serializers.ListField(child=serializers.CharField())


class PermissionSerializer(serializers.Serializer[Any]):
    """One permission, and the built-in roles that have it."""

    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    text = serializers.CharField()
    roles = serializers.ListField(child=serializers.CharField())


class PermissionsView(APIView):
    """What roles are made from."""

    permission = "signed_in"

    @extend_schema(responses=PermissionSerializer(many=True))
    def get(self, request: Request) -> Response:
        """Answer the catalogue, in its order."""
        return Response([
            {"name": row.name, "label": row.label, "text": row.text, "roles": roles_with(row.name)} for row in CATALOGUE
        ])  # fmt: skip


class RoleFilter(FilterSet):
    """By the id of the team that made them, and by words of the name."""

    team = CharFilter(field_name="team__public_id")
    q = CharFilter(field_name="name", lookup_expr="icontains")

    class Meta:
        model = CustomRole
        fields: ClassVar[list[str]] = []


class RoleViewSet(PublicViewSet):
    """The custom roles of every team, and of one's own ones."""

    permissions: ClassVar = {
        "list": "signed_in", "retrieve": "signed_in", "create": "members.manage", "partial_update": "members.manage",
        "destroy": "members.manage", "use": "members.manage",
    }  # fmt: skip
    serializer_class = CustomRoleSerializer
    filterset_class = RoleFilter
    queryset = CustomRole.objects.none()

    def get_queryset(self) -> Any:
        """Return the roles to be seen."""
        mine = teams_of(self.actor).values("pk")
        return CustomRole.objects.select_related("team").filter(Q(team=None) | Q(team__in=mine)).order_by("name", "pk")

    @extend_schema(request=NewRoleSerializer, responses={201: CustomRoleSerializer})
    def create(self, request: Request) -> Response:
        """Make a role from permissions one holds oneself."""
        body = self.body(NewRoleSerializer)
        team = body.pop("team", None)
        role = create_role(team=team_for(self.actor, team) if team else None, actor=self.actor, **body)
        return self.answer(role, status=201)

    def partial_update(self, request: Request, public_id: str) -> Response:
        """Change a role for all who hold it."""
        role = self.matched()
        changes = self.body(CustomRoleSerializer, partial=True)
        return self.answer(update_role(role=role, actor=self.actor, row_version=role.row_version, **changes))

    @extend_schema(parameters=[OpenApiParameter("replacement", str, description="The slug of the role they get.")])
    def destroy(self, request: Request, public_id: str) -> Response:
        """Delete a role; who holds it gets the one named by `?replacement=`."""
        replacement = request.query_params.get("replacement", "")
        delete_role(role=self.matched(), actor=self.actor, replacement=replacement)
        return Response(status=204)

    @extend_schema(responses=RoleUseSerializer)
    def use(self, request: Request, public_id: str) -> Response:
        """Answer whom a change of the role hits, to those who may change it."""
        role = self.get_object()
        require_maker(actor=self.actor, team=role.team, what="see who holds roles")
        found = role_use(role)
        return Response({"members": len(found.members), "invitations": found.invitations, "teams": found.team_names})
