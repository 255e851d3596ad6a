"""The JSON forms of teams."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from teams.models import AccessToken, Application, AuditEvent, Credential, Invitation, Membership, Team, User


class UserSerializer(serializers.ModelSerializer[User]):
    """A person."""

    id = serializers.CharField(source="public_id", read_only=True)

    class Meta:
        model = User
        fields = ("id", "email", "name", "zone", "theme", "density", "wants_mail", "is_platform_admin")
        read_only_fields = ("email", "is_platform_admin")


class TeamSerializer(serializers.ModelSerializer[Team]):
    """A team; `parent` is the id of the one it lies below, null at the top."""

    id = serializers.CharField(source="public_id", read_only=True)
    slug = serializers.CharField(max_length=60, required=False)
    parent = serializers.CharField(source="parent.public_id", read_only=True, allow_null=True, default=None)  # type: ignore[assignment]

    class Meta:
        model = Team
        fields = (
            "id", "slug", "name", "description", "parent", "contact_email", "required_approvals", "minimum_notice_days",
            "reviewer_role", "review_checklist", "created_at",
        )  # fmt: skip


class NewTeamSerializer(TeamSerializer):
    """A new team, below the one of that id or slug."""

    parent = serializers.CharField(max_length=60, required=False, allow_null=True)  # type: ignore[assignment]


class PlaceSerializer(serializers.Serializer[Any]):
    """Where a team goes: below the team of that id or slug, null for the top."""

    parent = serializers.CharField(max_length=60, allow_null=True)  # type: ignore[assignment]


class MemberSerializer(serializers.ModelSerializer[Membership]):
    """A person's role in a team."""

    user = UserSerializer(read_only=True)
    role = serializers.CharField(source="role_slug", read_only=True)

    class Meta:
        model = Membership
        fields = ("user", "role", "created_at")


class RoleSerializer(serializers.Serializer[Any]):
    """A role: owner, publisher, developer, viewer, or the slug of a custom one."""

    role = serializers.CharField(max_length=60)


class InviteSerializer(RoleSerializer):
    """Whom to invite."""

    email = serializers.EmailField()


class InvitationSerializer(serializers.ModelSerializer[Invitation]):
    """An invitation; `url` is there only in the answer that made it."""

    id = serializers.CharField(source="public_id", read_only=True)
    role = serializers.CharField(source="role_slug", read_only=True)

    class Meta:
        model = Invitation
        fields = ("id", "email", "role", "created_at", "expires_at", "accepted_at", "withdrawn_at")


class MadeInvitationSerializer(InvitationSerializer):
    """The same with the link, shown once."""

    url = serializers.CharField(read_only=True)

    class Meta(InvitationSerializer.Meta):
        fields = (*InvitationSerializer.Meta.fields, "url")  # type: ignore[assignment]


class AcceptSerializer(serializers.Serializer[Any]):
    """What a newcomer says; somebody signed in sends the code alone."""

    code = serializers.CharField(max_length=100)
    name = serializers.CharField(max_length=120, required=False)
    password = serializers.CharField(max_length=200, required=False)


class JoinedSerializer(UserSerializer):
    """Who joined; a newcomer's first token, good for a day, is in this answer alone."""

    token = serializers.CharField(read_only=True, default=None)

    class Meta(UserSerializer.Meta):
        fields = (*UserSerializer.Meta.fields, "token")  # type: ignore[assignment]


class ApplicationSerializer(serializers.ModelSerializer[Application]):
    """An application; `team` is the team's id."""

    id = serializers.CharField(source="public_id", read_only=True)
    team = serializers.CharField(source="team.public_id", read_only=True)

    class Meta:
        model = Application
        fields = ("id", "team", "name", "description", "created_at")


class NewApplicationSerializer(serializers.Serializer[Any]):
    """A new application."""

    team = serializers.CharField(max_length=60)
    name = serializers.CharField(max_length=120)
    description = serializers.CharField(max_length=500, required=False, default="", allow_blank=True)


class ApplicationChangeSerializer(serializers.Serializer[Any]):
    """An application's name and description."""

    name = serializers.CharField(max_length=120)
    description = serializers.CharField(max_length=500, required=False, default="", allow_blank=True)


class CredentialSerializer(serializers.ModelSerializer[Credential]):
    """A key; its secret was shown once."""

    id = serializers.CharField(source="public_id", read_only=True)
    application = serializers.CharField(source="application.public_id", read_only=True)
    state = serializers.CharField(read_only=True)

    class Meta:
        model = Credential
        fields = (
            "id", "application", "name", "environment", "hint", "state", "created_at", "expires_at", "disabled_at",
            "disabled_reason", "revoked_at",
        )  # fmt: skip


class MadeCredentialSerializer(CredentialSerializer):
    """The same with the key, and the secret to sign requests with in its name; both are shown once."""

    key = serializers.CharField(read_only=True)
    signing_secret = serializers.CharField(read_only=True)

    class Meta(CredentialSerializer.Meta):
        fields = (*CredentialSerializer.Meta.fields, "key", "signing_secret")  # type: ignore[assignment]


class NewCredentialSerializer(serializers.Serializer[Any]):
    """A new key."""

    name = serializers.CharField(max_length=120)
    expires_at = serializers.DateTimeField(required=False, allow_null=True, default=None)


class NewKeySerializer(NewCredentialSerializer):
    """A new key, and the environment it belongs to."""

    environment = serializers.CharField(max_length=40, required=False, default="production")


class RotationSerializer(serializers.Serializer[Any]):
    """For how long the old key is served beside the new one, in hours."""

    overlap_hours = serializers.IntegerField(min_value=0, max_value=24 * 30, required=False, default=24)


class DisableSerializer(serializers.Serializer[Any]):
    """Why."""

    reason = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)


class LeakSerializer(serializers.Serializer[Any]):
    """A key that was found in the open, and where."""

    key = serializers.CharField(max_length=200)
    where = serializers.CharField(max_length=150, required=False, default="", allow_blank=True)


class TokenSerializer(serializers.ModelSerializer[AccessToken]):
    """A personal access token; its secret was shown once."""

    id = serializers.CharField(source="public_id", read_only=True)

    class Meta:
        model = AccessToken
        fields = ("id", "name", "hint", "created_at", "expires_at", "revoked_at", "last_used_at")


class MadeTokenSerializer(TokenSerializer):
    """The same with the token, shown once."""

    token = serializers.CharField(read_only=True)

    class Meta(TokenSerializer.Meta):
        fields = (*TokenSerializer.Meta.fields, "token")  # type: ignore[assignment]


class AuditSerializer(serializers.ModelSerializer[AuditEvent]):
    """One entry of the audit log."""

    team = serializers.CharField(source="team.public_id", read_only=True, allow_null=True)
    by_service_account = serializers.BooleanField(source="actor.is_service_account", read_only=True, default=False)

    class Meta:
        model = AuditEvent
        fields = (
            "id", "at", "actor_name", "by_service_account", "verb", "object_type", "object_id", "object_name", "team",
            "before", "after", "reason", "request_id",
        )  # fmt: skip
