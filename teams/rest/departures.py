"""People of the installation over REST: who they are, their leaving, what is known of them; the audit log's chain."""

from __future__ import annotations

from typing import Any, ClassVar

from django_filters import BooleanFilter, CharFilter
from django_filters.rest_framework.filterset import FilterSet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from common.errors import NotFound
from common.rest import PublicViewSet
from teams.models import PlatformRole, User
from teams.second_factor import has_factor_of, has_second_factor
from teams.services.audit_chain import check_chain, seal_entries
from teams.services.departures import deactivate_person, erase_person, export_person, reactivate_person
from teams.services.factors import reset_factors
from teams.services.platform_roles import change_platform_role


class PersonSerializer(serializers.ModelSerializer[User]):
    """A person as a platform admin sees them."""

    id = serializers.CharField(source="public_id")
    platform_role = serializers.ChoiceField(PlatformRole.choices, read_only=True)
    has_second_factor = serializers.SerializerMethodField()

    class Meta:
        model = User
        fields = (
            "id", "email", "name", "is_active", "platform_role", "has_second_factor", "created_at", "last_login",
        )  # fmt: skip

    def get_has_second_factor(self, person: User) -> bool:
        """Say whether signing in as them asks for more than the password."""
        known = getattr(person, "has_factor", None)
        return has_second_factor(person) if known is None else bool(known)


class PlatformRoleSerializer(serializers.Serializer[Any]):
    """What a person is to the whole installation."""

    platform_role = serializers.ChoiceField(PlatformRole.choices)


class SuccessorSerializer(serializers.Serializer[Any]):
    """Who takes over what the person alone owns, by id."""

    successor = serializers.CharField(max_length=60)


class ReasonSerializer(serializers.Serializer[Any]):
    """Why."""

    reason = serializers.CharField(max_length=300)


class UserFilter(FilterSet):
    """By words of the e-mail address, and by whether they may sign in."""

    q = CharFilter(field_name="email", lookup_expr="icontains")
    is_active = BooleanFilter()

    class Meta:
        model = User
        fields: ClassVar[list[str]] = []


class UserViewSet(PublicViewSet):
    """The people of the installation."""

    permissions: ClassVar = dict.fromkeys(
        ("list", "role", "reset_factors", "deactivate", "reactivate", "erase"), "platform.admin"
    )
    serializer_class = PersonSerializer
    filterset_class = UserFilter
    queryset = User.objects.people().annotate(has_factor=has_factor_of("pk"))

    @extend_schema(request=SuccessorSerializer)
    def deactivate(self, request: Request, public_id: str) -> Response:
        """Let a person sign in no more, and hand over what they alone own."""
        successor = User.objects.people().filter(public_id=self.body(SuccessorSerializer)["successor"]).first()
        if successor is None:
            raise NotFound("There is no such successor.")
        return self._person(deactivate_person(user=self.get_object(), successor=successor, actor=self.actor))

    @extend_schema(request=PlatformRoleSerializer)
    def role(self, request: Request, public_id: str) -> Response:
        """Make a person platform admin, auditor or neither."""
        role = PlatformRole(self.body(PlatformRoleSerializer)["platform_role"])
        return self._person(change_platform_role(user=self.get_object(), role=role, actor=self.actor))

    @extend_schema(request=ReasonSerializer)
    def reset_factors(self, request: Request, public_id: str) -> Response:
        """Take all second factors from a person who lost them, and end their sessions."""
        reason = self.body(ReasonSerializer)["reason"]
        return self._person(reset_factors(user=self.get_object(), actor=self.actor, reason=reason))

    @extend_schema(request=None)
    def reactivate(self, request: Request, public_id: str) -> Response:
        """Let a deactivated person back in."""
        return self._person(reactivate_person(user=self.get_object(), actor=self.actor))

    @extend_schema(request=None, responses={204: None})
    def erase(self, request: Request, public_id: str) -> Response:
        """Erase what is personal of a deactivated person."""
        erase_person(user=self.get_object(), actor=self.actor)
        return Response(status=204)

    @staticmethod
    def _person(user: User) -> Response:
        # Asked for anew: the annotation is of before the change.
        return Response(PersonSerializer(User.objects.get(pk=user.pk)).data)


class ExportView(APIView):
    """All that is known of the person who asks."""

    permission = "signed_in"

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        """Answer it."""
        user: Any = request.user
        return Response(export_person(user=user, actor=user))


class VerificationSerializer(serializers.Serializer[Any]):
    """Whether the audit log's hash chain is whole, and where it is broken first."""

    is_whole = serializers.BooleanField()
    first_broken = serializers.IntegerField(allow_null=True)


class VerificationView(APIView):
    """The state of the audit log's hash chain."""

    permission = "platform.view"

    @extend_schema(responses=VerificationSerializer)
    def get(self, request: Request) -> Response:
        """Read the whole chain and say whether it fits."""
        seal_entries()
        broken = check_chain().broken
        return Response({"is_whole": broken is None, "first_broken": broken.position if broken else None})
