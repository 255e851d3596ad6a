"""Teams, people, applications, keys, tokens and the audit log over REST."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

from django_filters import CharFilter
from django_filters.rest_framework.filterset import FilterSet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, viewsets
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from common.clock import now
from common.concurrency import etag_of, require_match
from common.filters import MomentFilter
from common.rest import PublicViewSet, once_only
from common.sealed import signing_secret_of
from teams import selectors
from teams.models import AccessToken, Application, AuditEvent, Credential, Invitation, Team, User
from teams.rest import serializers as forms
from teams.roles import teams_of
from teams.second_factor import must_add_factor
from teams.services.applications import create_application, update_application
from teams.services.credentials import (
    disable_credential,
    enable_credential,
    issue_credential,
    report_leak,
    revoke_credential,
    rotate_credential,
)
from teams.services.people import (
    accept_invitation,
    change_role,
    create_team,
    invitation_url,
    invite_member,
    remove_member,
    update_profile,
    update_team,
    withdraw_invitation,
)
from teams.services.tokens import create_access_token, revoke_access_token
from teams.services.tree import delete_team, move_team


class MeView(APIView):
    """The person who asks."""

    permissions: ClassVar[dict[str, str]] = {"get": "signed_in", "patch": "signed_in"}

    @extend_schema(responses=forms.UserSerializer)
    def get(self, request: Request) -> Response:
        """Answer the person."""
        return _person(request.user)  # type: ignore[arg-type]

    @extend_schema(request=forms.UserSerializer, responses=forms.UserSerializer)
    def patch(self, request: Request) -> Response:
        """Change the person's own settings."""
        person: User = request.user  # type: ignore[assignment]
        require_match(person, request.headers.get("If-Match"))
        form = forms.UserSerializer(data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        return _person(update_profile(user=person, **form.validated_data))


def _person(user: User) -> Response:
    return Response(forms.UserSerializer(user).data, headers={"ETag": etag_of(user)})


class TeamFilter(FilterSet):
    """By the team right above (`none` for those at the top) and by words of the name."""

    parent = CharFilter(method="below")
    q = CharFilter(field_name="name", lookup_expr="icontains")

    class Meta:
        model = Team
        fields: ClassVar[list[str]] = []

    def below(self, rows: Any, _: str, value: str) -> Any:
        """Narrow to the teams right below one."""
        return rows.filter(parent=None) if value == "none" else rows.filter(parent__public_id=value)


class TeamViewSet(PublicViewSet):
    """The teams one is in, and those below them."""

    permissions: ClassVar = {
        "list": "signed_in", "create": "signed_in", "retrieve": "team.view", "partial_update": "team.manage",
        "move": "team.manage", "destroy": "team.manage",
    }  # fmt: skip
    serializer_class = forms.TeamSerializer
    filterset_class = TeamFilter
    queryset = Team.objects.none()

    def get_queryset(self) -> Any:
        """Return the teams to be seen."""
        return teams_of(self.actor).select_related("parent")

    def get_object(self) -> Any:
        """Return a team by id or slug."""
        return selectors.team_for(self.actor, self.kwargs["public_id"])

    @extend_schema(request=forms.NewTeamSerializer, responses={201: forms.TeamSerializer})
    def create(self, request: Request) -> Response:
        """Create a team, at the top or below another one."""
        body = self.body(forms.NewTeamSerializer)
        parent = self._place(body.pop("parent", None))
        return self.answer(create_team(actor=self.actor, parent=parent, **body), status=201)

    @extend_schema(request=forms.PlaceSerializer)
    def move(self, request: Request, public_id: str) -> Response:
        """Put a team with all below it under another one, or at the top."""
        team = self.matched()
        parent = self._place(self.body(forms.PlaceSerializer)["parent"])
        return self.answer(move_team(team=team, parent=parent, actor=self.actor, row_version=team.row_version))

    def destroy(self, request: Request, public_id: str) -> Response:
        """Delete a team that owns nothing any more."""
        delete_team(team=self.matched(), actor=self.actor)
        return Response(status=204)

    def _place(self, name: str | None) -> Team | None:
        return selectors.team_for(self.actor, name) if name else None

    def partial_update(self, request: Request, public_id: str) -> Response:
        """Change a team."""
        team = self.matched()
        changes = self.body(forms.TeamSerializer, partial=True)
        changes.pop("slug", None)
        return self.answer(update_team(team=team, actor=self.actor, row_version=team.row_version, **changes))


class InTeamViewSet(PublicViewSet):
    """What belongs to the team of the URL."""

    @property
    def team(self) -> Team:
        """Return the team, or 404."""
        return selectors.team_for(self.actor, self.kwargs["team"])


class MemberViewSet(InTeamViewSet):
    """The members of a team; found by the person's id."""

    permissions: ClassVar = {
        "list": "team.view", "retrieve": "team.view", "partial_update": "members.manage", "destroy": "members.manage",
    }  # fmt: skip
    serializer_class = forms.MemberSerializer
    queryset = User.objects.none()

    def get_queryset(self) -> Any:
        """Return the team's memberships."""
        return selectors.members_of(self.team)

    def get_object(self) -> Any:
        """Return a membership by its person's id."""
        return selectors.membership_for(self.actor, self.team, self.kwargs["public_id"])

    @extend_schema(request=forms.RoleSerializer)
    def partial_update(self, request: Request, team: str, public_id: str) -> Response:
        """Give a member another role."""
        membership = self.matched()
        role = self.body(forms.RoleSerializer)["role"]
        return self.answer(change_role(membership=membership, role=role, actor=self.actor))

    def destroy(self, request: Request, team: str, public_id: str) -> Response:
        """Take a person out of the team."""
        remove_member(membership=self.matched(), actor=self.actor)
        return Response(status=204)


class InvitationViewSet(InTeamViewSet):
    """Open invitations to a team."""

    permissions: ClassVar = {
        "list": "team.view", "retrieve": "team.view", "create": "members.manage", "destroy": "members.manage",
    }  # fmt: skip
    serializer_class = forms.InvitationSerializer
    queryset = Invitation.objects.none()

    def get_queryset(self) -> Any:
        """Return the invitations that can still be accepted."""
        return selectors.open_invitations(self.team)

    @extend_schema(request=forms.InviteSerializer, responses={201: forms.MadeInvitationSerializer})
    def create(self, request: Request, team: str) -> Response:
        """Invite an address; the link is in this answer alone."""
        invitation, code = invite_member(team=self.team, actor=self.actor, **self.body(forms.InviteSerializer))
        invitation.url = invitation_url(code)  # type: ignore[attr-defined]
        return once_only(self.answer(invitation, status=201, serializer_class=forms.MadeInvitationSerializer))

    def destroy(self, request: Request, team: str, public_id: str) -> Response:
        """Withdraw an invitation."""
        withdraw_invitation(invitation=self.matched(), actor=self.actor)
        return Response(status=204)


FIRST_TOKEN_LIFETIME = timedelta(days=1)


class AcceptView(APIView):
    """Accepts an invitation by its code."""

    permission = "public"

    @extend_schema(request=forms.AcceptSerializer, responses=forms.JoinedSerializer)
    def post(self, request: Request) -> Response:
        """Join the team: signed in as the invited person, or as somebody new with name and password."""
        form = forms.AcceptSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        known: User | None = request.user if request.user.is_authenticated else None  # type: ignore[assignment]
        user = accept_invitation(user=known, **form.validated_data)
        if known is None and not must_add_factor(user):
            # A newcomer over REST has no session to make a first token with.
            _, user.token = create_access_token(  # type: ignore[attr-defined]
                user=user, name="first sign-in", expires_at=now() + FIRST_TOKEN_LIFETIME
            )
        return once_only(Response(forms.JoinedSerializer(user).data))


class ApplicationFilter(FilterSet):
    """By team and by words of the name."""

    team = CharFilter(field_name="team__public_id")
    q = CharFilter(field_name="name", lookup_expr="icontains")

    class Meta:
        model = Application
        fields: ClassVar[list[str]] = []


class ApplicationViewSet(PublicViewSet):
    """The applications of one's teams."""

    permissions: ClassVar = {
        "list": "signed_in", "create": "applications.manage", "retrieve": "team.view",
        "partial_update": "applications.manage",
    }  # fmt: skip
    serializer_class = forms.ApplicationSerializer
    filterset_class = ApplicationFilter
    queryset = Application.objects.none()

    def get_queryset(self) -> Any:
        """Return the applications to be seen."""
        return selectors.applications_for(self.actor)

    @extend_schema(request=forms.NewApplicationSerializer, responses={201: forms.ApplicationSerializer})
    def create(self, request: Request) -> Response:
        """Create an application; `team` is the team's id or slug."""
        body = self.body(forms.NewApplicationSerializer)
        team = selectors.team_for(self.actor, body.pop("team"))
        return self.answer(create_application(team=team, actor=self.actor, **body), status=201)

    @extend_schema(request=forms.ApplicationChangeSerializer)
    def partial_update(self, request: Request, public_id: str) -> Response:
        """Rename an application."""
        row = self.matched()
        body = {"name": row.name, "description": row.description}
        body |= self.body(forms.ApplicationChangeSerializer, partial=True)
        changed = update_application(application=row, actor=self.actor, row_version=row.row_version, **body)
        return self.answer(changed)


class CredentialViewSet(PublicViewSet):
    """The keys of an application."""

    permissions: ClassVar = {
        "list": "team.view", "create": "keys.manage", "retrieve": "team.view", "revoke": "keys.manage",
        "rotate": "keys.manage", "disable": "keys.manage", "enable": "keys.manage",
    }  # fmt: skip
    serializer_class = forms.CredentialSerializer
    queryset = Credential.objects.none()

    def get_queryset(self) -> Any:
        """Return the application's keys."""
        application = selectors.application_for(self.actor, self.kwargs["application"])
        return application.credentials.select_related("application__team")

    @extend_schema(request=forms.NewKeySerializer, responses={201: forms.MadeCredentialSerializer})
    def create(self, request: Request, application: str) -> Response:
        """Create a key; it is in this answer alone."""
        found = selectors.application_for(self.actor, application)
        body = self.body(forms.NewKeySerializer)
        return self._reveal(*issue_credential(application=found, actor=self.actor, **body))

    @extend_schema(request=forms.RotationSerializer, responses={201: forms.MadeCredentialSerializer})
    def rotate(self, request: Request, application: str, public_id: str) -> Response:
        """Issue a successor of a key; it is in this answer alone."""
        row = self.matched()
        overlap = timedelta(hours=self.body(forms.RotationSerializer)["overlap_hours"])
        return self._reveal(
            *rotate_credential(credential=row, actor=self.actor, overlap=overlap, row_version=row.row_version)
        )

    @extend_schema(request=forms.DisableSerializer)
    def disable(self, request: Request, application: str, public_id: str) -> Response:
        """Refuse a key until it is enabled again."""
        row = self.matched()
        reason = self.body(forms.DisableSerializer)["reason"]
        return self.answer(
            disable_credential(credential=row, actor=self.actor, reason=reason, row_version=row.row_version)
        )

    @extend_schema(request=None)
    def enable(self, request: Request, application: str, public_id: str) -> Response:
        """Serve a disabled key again."""
        row = self.matched()
        return self.answer(enable_credential(credential=row, actor=self.actor, row_version=row.row_version))

    def _reveal(self, credential: Credential, key: str) -> Response:
        credential.key = key  # type: ignore[attr-defined]
        credential.signing_secret = signing_secret_of(credential.public_id)  # type: ignore[attr-defined]
        return once_only(self.answer(credential, status=201, serializer_class=forms.MadeCredentialSerializer))

    @extend_schema(request=None)
    def revoke(self, request: Request, application: str, public_id: str) -> Response:
        """Revoke a key for ever."""
        row = self.matched()
        return self.answer(revoke_credential(credential=row, actor=self.actor, row_version=row.row_version))


class LeakView(APIView):
    """Takes reports of keys that were found in the open."""

    permission = "public"

    @extend_schema(request=forms.LeakSerializer, responses={202: None})
    def post(self, request: Request) -> Response:
        """Disable the key if it works; the answer is the same for every key."""
        form = forms.LeakSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        report_leak(**form.validated_data)
        return Response(status=202)


class TokenViewSet(PublicViewSet):
    """One's own access tokens."""

    permissions: ClassVar = {
        "list": "signed_in", "retrieve": "signed_in", "create": "signed_in", "destroy": "signed_in",
    }  # fmt: skip
    serializer_class = forms.TokenSerializer
    queryset = AccessToken.objects.none()

    def get_queryset(self) -> Any:
        """Return one's own tokens."""
        return AccessToken.objects.filter(user=self.actor)

    @extend_schema(request=forms.NewCredentialSerializer, responses={201: forms.MadeTokenSerializer})
    def create(self, request: Request) -> Response:
        """Create a token; it is in this answer alone."""
        row, token = create_access_token(user=self.actor, **self.body(forms.NewCredentialSerializer))
        row.token = token  # type: ignore[attr-defined]
        return once_only(self.answer(row, status=201, serializer_class=forms.MadeTokenSerializer))

    def destroy(self, request: Request, public_id: str) -> Response:
        """Revoke a token."""
        revoke_access_token(token_id=self.matched().public_id, user=self.actor)
        return Response(status=204)


class AuditFilter(FilterSet):
    """Narrows the audit log."""

    verb = CharFilter(lookup_expr="startswith")
    object_id = CharFilter()
    actor = CharFilter(field_name="actor__public_id")
    team = CharFilter(field_name="team__public_id")
    since = MomentFilter(field_name="at", lookup_expr="gte")
    until = MomentFilter(field_name="at", lookup_expr="lt")

    class Meta:
        model = AuditEvent
        fields: ClassVar[list[str]] = []


class AuditViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[AuditEvent]):
    """Who did what: all of it to a platform admin, an owner's own teams to the owner."""

    permissions: ClassVar = {"list": "signed_in"}
    serializer_class = forms.AuditSerializer
    filterset_class = AuditFilter
    queryset = AuditEvent.objects.none()

    def get_queryset(self) -> Any:
        """Return the entries to be seen."""
        return selectors.audit_for(self.request.user)  # type: ignore[arg-type]
