"""The OpenID providers of signing in, to read: writing asks for a person's fresh proof, which no token has."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from common.rest import PublicViewSet
from teams.models import GroupRole, SignInProvider
from teams.services.sign_in_providers import provider_for


class GroupRoleSerializer(serializers.ModelSerializer[GroupRole]):
    """What members of a group of the provider are, in which team."""

    team = serializers.CharField(source="team.public_id", read_only=True)
    role = serializers.CharField(read_only=True)

    class Meta:
        model = GroupRole
        fields = ("group", "team", "role")


class SignInProviderSerializer(serializers.ModelSerializer[SignInProvider]):
    """An OpenID provider; its secret is never told."""

    id = serializers.CharField(source="public_id", read_only=True)
    group_roles = GroupRoleSerializer(many=True, read_only=True)
    allowed_domains = serializers.ListField(child=serializers.CharField(), read_only=True)
    has_secret = serializers.SerializerMethodField()

    class Meta:
        model = SignInProvider
        fields = (
            "id", "name", "issuer", "client_id", "has_secret", "scopes", "allowed_domains", "groups_claim",
            "is_enabled", "group_roles", "created_at",
        )  # fmt: skip

    @extend_schema_field(bool)
    def get_has_secret(self, provider: SignInProvider) -> bool:
        """Say whether a client secret is set."""
        return bool(provider.secret)


class SignInProviderViewSet(PublicViewSet):
    """The providers, to platform admins."""

    permissions: ClassVar = {"list": "platform.admin", "retrieve": "platform.admin"}
    serializer_class = SignInProviderSerializer
    queryset = SignInProvider.objects.prefetch_related("group_roles__team").order_by("name")

    def get_object(self) -> Any:
        """Return one by its id."""
        return provider_for(self.actor, self.kwargs["public_id"])
