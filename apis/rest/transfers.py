"""Endpoints of transfers of APIs and applications to other teams."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import Q
from django_filters import CharFilter, ChoiceFilter
from django_filters.rest_framework.filterset import FilterSet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apis.models import Api, Transfer
from apis.rest.access import RefusalSerializer
from apis.selectors import visible_apis
from apis.selectors.transfers import api_cargo, application_cargo, transfers_for
from apis.services.transfers import accept_transfer, propose_transfer, refuse_transfer, withdraw_transfer
from common.errors import NotFound
from common.rest import PublicViewSet
from teams.models import Application, Team
from teams.roles import require_permission
from teams.selectors import applications_for


class TransferSerializer(serializers.ModelSerializer[Transfer]):
    """An offer to move an API or an application; one of both is null."""

    id = serializers.CharField(source="public_id")
    api = serializers.CharField(source="api.public_id", allow_null=True, default=None)
    application = serializers.CharField(source="application.public_id", allow_null=True, default=None)
    name = serializers.CharField(source="subject.name")
    from_team = serializers.CharField(source="from_team.public_id")
    to_team = serializers.CharField(source="to_team.public_id")

    class Meta:
        model = Transfer
        fields = (
            "id", "api", "application", "name", "from_team", "to_team", "new_name", "state", "message", "reason",
            "created_at", "expires_at", "decided_at",
        )  # fmt: skip


class NewTransferSerializer(serializers.Serializer[Any]):
    """The team that is to have it (id or slug); `new_name` is an API's slug there, or an application's name."""

    team = serializers.CharField(max_length=60)
    new_name = serializers.CharField(max_length=120, required=False, default="", allow_blank=True)
    message = serializers.CharField(max_length=1000, required=False, default="", allow_blank=True)


class AcceptanceSerializer(serializers.Serializer[Any]):
    """Another slug or name than the offer's, where that one is taken."""

    new_name = serializers.CharField(max_length=120, required=False, default="", allow_blank=True)


class CountSerializer(serializers.Serializer[Any]):
    """How many versions are in a state."""

    state = serializers.CharField()
    count = serializers.IntegerField()


class ApiCargoSerializer(serializers.Serializer[Any]):
    """What moves with an API."""

    versions = serializers.SerializerMethodField()
    applications = serializers.IntegerField()
    teams = serializers.IntegerField()
    calls_30_days = serializers.IntegerField()
    plans = serializers.IntegerField()
    budgets = serializers.IntegerField()
    drafts = serializers.IntegerField()
    reviews = serializers.IntegerField()
    stars = serializers.IntegerField()
    requests = serializers.IntegerField()
    planned_moves = serializers.IntegerField()
    prompts = serializers.ListField(child=serializers.CharField())

    @extend_schema(responses=CountSerializer(many=True))
    def get_versions(self, cargo: Any) -> list[dict[str, Any]]:
        """Return versions by state."""
        return [{"state": state, "count": count} for state, count in cargo.versions]


class ApplicationCargoSerializer(serializers.Serializer[Any]):
    """What moves with an application."""

    keys = serializers.IntegerField()
    subscriptions = serializers.IntegerField()
    requests = serializers.IntegerField()
    previews = serializers.IntegerField()


class CargoSerializer(serializers.Serializer[Any]):
    """What moves; one of both is null."""

    api = ApiCargoSerializer(allow_null=True)
    application = ApplicationCargoSerializer(allow_null=True)


class TransferFilter(FilterSet):
    """By state, API, application and team."""

    state = ChoiceFilter(choices=Transfer.State.choices)
    api = CharFilter(field_name="api__public_id")
    application = CharFilter(field_name="application__public_id")
    to_team = CharFilter(field_name="to_team__public_id")
    from_team = CharFilter(field_name="from_team__public_id")

    class Meta:
        model = Transfer
        fields: ClassVar[list[str]] = []


class TransferViewSet(PublicViewSet):
    """The transfers from and to one's teams."""

    permissions: ClassVar = {
        "list": "signed_in", "create": "team.manage", "retrieve": "team.view", "impact": "team.view",
        "accept": "team.manage", "refuse": "team.manage", "withdraw": "team.manage",
    }  # fmt: skip
    serializer_class = TransferSerializer
    filterset_class = TransferFilter
    queryset = Transfer.objects.none()

    def get_queryset(self) -> Any:
        """Return the transfers to be seen."""
        rows = transfers_for(self.actor)
        for name in ("api", "application"):
            if name in self.kwargs:
                rows = rows.filter(**{f"{name}__public_id": self.kwargs[name]})
        return rows

    @extend_schema(request=NewTransferSerializer, responses={201: TransferSerializer})
    def create(self, request: Request, api: str = "", application: str = "") -> Response:
        """Offer it to another team; where one owns both teams it moves at once, and the state is `accepted`."""
        subject = self._subject(api, application)
        body = self.body(NewTransferSerializer)
        team = Team.objects.filter(Q(public_id=body["team"]) | Q(slug=body["team"])).first()
        if team is None:
            raise NotFound(f"There is no team {body['team']}.")
        made = propose_transfer(
            subject=subject, to_team=team, actor=self.actor, new_name=body["new_name"], message=body["message"]
        )
        return self.answer(made, status=201)

    def _subject(self, api: str, application: str) -> Api | Application:
        found: Api | Application | None
        if api:
            found = visible_apis(self.actor).filter(public_id=api).first()
        else:
            found = applications_for(self.actor).filter(public_id=application).first()
        if found is None:
            raise NotFound("There is nothing here, or it is not shared with you.")
        require_permission(actor=self.actor, team=found.team, permission="team.manage", what=f"transfer {found}")
        return found

    @extend_schema(responses=CargoSerializer)
    def impact(self, request: Request, public_id: str) -> Response:
        """Answer what moves along."""
        transfer = self.get_object()
        cargo = {
            "api": api_cargo(transfer.api) if transfer.api else None,
            "application": application_cargo(transfer.application) if transfer.application else None,
        }
        return Response(CargoSerializer(cargo).data)

    @extend_schema(request=AcceptanceSerializer)
    def accept(self, request: Request, public_id: str) -> Response:
        """Take it over."""
        new_name = self.body(AcceptanceSerializer)["new_name"]
        return self.answer(accept_transfer(transfer=self.get_object(), actor=self.actor, new_name=new_name))

    @extend_schema(request=RefusalSerializer)
    def refuse(self, request: Request, public_id: str) -> Response:
        """Refuse with a reason."""
        reason = self.body(RefusalSerializer)["reason"]
        return self.answer(refuse_transfer(transfer=self.get_object(), actor=self.actor, reason=reason))

    @extend_schema(request=None)
    def withdraw(self, request: Request, public_id: str) -> Response:
        """Take the offer back."""
        return self.answer(withdraw_transfer(transfer=self.get_object(), actor=self.actor))
