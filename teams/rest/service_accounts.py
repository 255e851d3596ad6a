"""A team's service accounts and their tokens over REST, for its owners."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from common.errors import NotFound
from common.rest import once_only
from teams.models import AccessToken, Membership
from teams.rest.serializers import MadeTokenSerializer, NewCredentialSerializer, TokenSerializer
from teams.rest.views import InTeamViewSet
from teams.roles import require_permission
from teams.services.service_accounts import (
    ROLES,
    create_service_account,
    create_service_token,
    delete_service_account,
    revoke_service_token,
    rotate_service_token,
    service_account_for,
    service_accounts_of,
    switch_service_account,
    update_service_account,
)


class ServiceAccountSerializer(serializers.ModelSerializer[Membership]):
    """A team's actor that is no person."""

    id = serializers.CharField(source="user.public_id", read_only=True)
    name = serializers.CharField(source="user.name", read_only=True)
    is_active = serializers.BooleanField(source="user.is_active", read_only=True)

    class Meta:
        model = Membership
        fields = ("id", "name", "role", "is_active", "created_at")


class NewServiceAccountSerializer(serializers.Serializer[Any]):
    """Name and role of a service account."""

    name = serializers.CharField(max_length=120)
    role = serializers.ChoiceField([(role.value, role.label) for role in ROLES])


def _managed(names: tuple[str, ...]) -> dict[str, str]:
    return dict.fromkeys(names, "team.manage")


class ServiceAccountViewSet(InTeamViewSet):
    """The service accounts of a team."""

    permissions: ClassVar = _managed(("list", "create", "retrieve", "partial_update", "destroy", "disable", "enable"))
    serializer_class = ServiceAccountSerializer
    queryset = Membership.objects.none()

    def get_queryset(self) -> Any:
        """Return them, to an owner."""
        require_permission(actor=self.actor, team=self.team, permission="team.manage", what="see its service accounts")
        return service_accounts_of(self.team)

    def get_object(self) -> Any:
        """Return one by its id."""
        return service_account_for(self.actor, self.team, self.kwargs["public_id"])

    @extend_schema(request=NewServiceAccountSerializer, responses={201: ServiceAccountSerializer})
    def create(self, request: Request, team: str) -> Response:
        """Create a service account."""
        fields = self.body(NewServiceAccountSerializer)
        return self.answer(create_service_account(team=self.team, actor=self.actor, **fields), status=201)

    @extend_schema(request=NewServiceAccountSerializer)
    def partial_update(self, request: Request, team: str, public_id: str) -> Response:
        """Change its name or role."""
        row = self.matched()
        fields = {"name": row.user.name, "role": row.role} | self.body(NewServiceAccountSerializer, partial=True)
        return self.answer(update_service_account(account=row, actor=self.actor, **fields))

    def destroy(self, request: Request, team: str, public_id: str) -> Response:
        """End it for good, with its tokens."""
        delete_service_account(account=self.matched(), actor=self.actor)
        return Response(status=204)

    @extend_schema(request=None)
    def disable(self, request: Request, team: str, public_id: str) -> Response:
        """Let its tokens get 401 until it is enabled."""
        return self.answer(switch_service_account(account=self.get_object(), actor=self.actor, is_active=False))

    @extend_schema(request=None)
    def enable(self, request: Request, team: str, public_id: str) -> Response:
        """Let its tokens act again."""
        return self.answer(switch_service_account(account=self.get_object(), actor=self.actor, is_active=True))


class ServiceTokenViewSet(InTeamViewSet):
    """The tokens of a service account."""

    permissions: ClassVar = _managed(("list", "create", "destroy", "rotate"))
    serializer_class = TokenSerializer
    queryset = AccessToken.objects.none()

    @property
    def account(self) -> Membership:
        """Return the account of the URL, or 404."""
        return service_account_for(self.actor, self.team, self.kwargs["account"])

    def get_queryset(self) -> Any:
        """Return its tokens, newest first."""
        return AccessToken.objects.filter(user=self.account.user).order_by("-id")

    def get_object(self) -> Any:
        """Return one by its id."""
        found = self.get_queryset().filter(public_id=self.kwargs["public_id"]).first()
        if found is None:
            raise NotFound("There is no such token of this account.")
        return found

    @extend_schema(request=NewCredentialSerializer, responses={201: MadeTokenSerializer})
    def create(self, request: Request, team: str, account: str) -> Response:
        """Make a token; it is in this answer alone."""
        fields = self.body(NewCredentialSerializer)
        return self._reveal(*create_service_token(account=self.account, actor=self.actor, **fields))

    @extend_schema(request=None, responses={201: MadeTokenSerializer})
    def rotate(self, request: Request, team: str, account: str, public_id: str) -> Response:
        """Make one like it; the old one is good for another day."""
        return self._reveal(*rotate_service_token(account=self.account, token_id=public_id, actor=self.actor))

    def destroy(self, request: Request, team: str, account: str, public_id: str) -> Response:
        """Revoke a token."""
        token = self.matched()
        revoke_service_token(account=self.account, token_id=token.public_id, actor=self.actor)
        return Response(status=204)

    def _reveal(self, row: AccessToken, token: str) -> Response:
        row.token = token  # type: ignore[attr-defined]
        return once_only(self.answer(row, status=201, serializer_class=MadeTokenSerializer))
