"""The event feed, webhooks with their delivery log, and notices over REST."""

from __future__ import annotations

from typing import Any, ClassVar

from django_filters import BooleanFilter, CharFilter, ChoiceFilter, NumberFilter
from django_filters.rest_framework.filterset import FilterSet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from common.pagination import PublicCursorPagination
from common.rest import PublicViewSet, once_only
from teams import selectors
from teams.event_types import EVENT_TYPES, TYPE_NAMES
from teams.models import Delivery, Event, Notice, Webhook
from teams.services.events import number_events
from teams.services.notices import read_notice
from teams.services.webhooks import (
    create_webhook,
    delete_webhook,
    replay_delivery,
    rotate_secret,
    send_test,
    update_webhook,
)


class SubjectSerializer(serializers.Serializer[Event]):
    """What an event is about."""

    type = serializers.CharField(source="subject_type")
    id = serializers.CharField(source="subject_id")
    name = serializers.CharField(source="subject_name")


class EventSerializer(serializers.ModelSerializer[Event]):
    """One event; `number` is its place in the feed."""

    id = serializers.CharField(source="public_id")
    team = serializers.CharField(source="team.public_id")
    subject = SubjectSerializer(source="*")

    class Meta:
        model = Event
        fields = ("id", "number", "type", "team", "subject", "actor_id", "data", "at")


class EventFilter(FilterSet):
    """`?after=` goes on where a reader stopped."""

    after = NumberFilter(field_name="number", lookup_expr="gt", label="The highest number read before.")
    type = ChoiceFilter(choices=[(name, name) for name in TYPE_NAMES])
    team = CharFilter(field_name="team__public_id")
    subject = CharFilter(field_name="subject_id")

    class Meta:
        model = Event
        fields: ClassVar[list[str]] = []


class FeedPagination(PublicCursorPagination):
    """Oldest first: a reader asks for what came after the last number it has read."""

    ordering = "number"


class EventViewSet(PublicViewSet):
    """What happened in one's teams in the last 30 days, oldest first."""

    permissions: ClassVar = {"list": "signed_in"}
    serializer_class = EventSerializer
    filterset_class = EventFilter
    pagination_class = FeedPagination
    queryset = Event.objects.none()

    def get_queryset(self) -> Any:
        """Return the events to be seen."""
        number_events()
        return selectors.events_for(self.actor)


class EventTypeSerializer(serializers.Serializer[Any]):
    """One type of event."""

    name = serializers.CharField()
    text = serializers.CharField()


class EventTypesView(APIView):
    """The types of events."""

    permission = "signed_in"

    @extend_schema(responses=EventTypeSerializer(many=True))
    def get(self, request: Request) -> Response:
        """Answer all types with what they tell."""
        return Response(EventTypeSerializer(EVENT_TYPES, many=True).data)


class WebhookSerializer(serializers.ModelSerializer[Webhook]):
    """A webhook; no event types means all. Its secret was shown once."""

    id = serializers.CharField(source="public_id", read_only=True)
    event_types = serializers.ListField(child=serializers.ChoiceField(choices=TYPE_NAMES), required=False)

    class Meta:
        model = Webhook
        fields = (
            "id", "url", "description", "event_types", "is_active", "stopped_reason", "failing_since",
            "previous_until", "created_at",
        )  # fmt: skip
        read_only_fields = ("stopped_reason", "failing_since", "previous_until", "created_at")


class NewWebhookSerializer(WebhookSerializer):
    """What a new webhook is given."""

    class Meta(WebhookSerializer.Meta):
        fields = ("url", "description", "event_types")  # type: ignore[assignment]


class MadeWebhookSerializer(WebhookSerializer):
    """The same with the secret, shown once."""

    secret = serializers.CharField(read_only=True)

    class Meta(WebhookSerializer.Meta):
        fields = (*WebhookSerializer.Meta.fields, "secret")  # type: ignore[assignment]


class AttemptSerializer(serializers.Serializer[Any]):
    """One attempt: `status` 0 when no answer came."""

    at = serializers.DateTimeField()
    status = serializers.IntegerField()
    ms = serializers.IntegerField()
    error = serializers.CharField()
    answer = serializers.CharField()


class DeliverySerializer(serializers.ModelSerializer[Delivery]):
    """One event on its way to a webhook."""

    id = serializers.CharField(source="public_id")
    event = EventSerializer()
    attempts = AttemptSerializer(many=True)

    class Meta:
        model = Delivery
        fields = ("id", "event", "state", "attempts", "next_at", "is_replay", "created_at", "delivered_at")


class WebhookViewSet(PublicViewSet):
    """The webhooks of a team one owns."""

    permissions: ClassVar = dict.fromkeys(
        ("list", "create", "retrieve", "partial_update", "destroy", "rotate_secret", "test"), "team.manage"
    )
    serializer_class = WebhookSerializer
    queryset = Webhook.objects.none()

    def get_queryset(self) -> Any:
        """Return the team's webhooks."""
        team = selectors.team_for(self.actor, self.kwargs["team"])
        return selectors.webhooks_for(self.actor).filter(team=team)

    @extend_schema(request=NewWebhookSerializer, responses={201: MadeWebhookSerializer})
    def create(self, request: Request, team: str) -> Response:
        """Add a webhook; its secret is in this answer alone."""
        found = selectors.team_for(self.actor, team)
        webhook, secret = create_webhook(team=found, actor=self.actor, **self.body(NewWebhookSerializer))
        return self._reveal(webhook, secret, 201)

    def partial_update(self, request: Request, team: str, public_id: str) -> Response:
        """Change a webhook; `is_active` stops it, or lets it go on from now."""
        webhook = self.matched()
        names = ("url", "description", "event_types", "is_active")
        body = {name: getattr(webhook, name) for name in names} | self.body(WebhookSerializer, partial=True)
        return self.answer(update_webhook(webhook=webhook, actor=self.actor, row_version=webhook.row_version, **body))

    def destroy(self, request: Request, team: str, public_id: str) -> Response:
        """Delete a webhook with its log."""
        delete_webhook(webhook=self.matched(), actor=self.actor)
        return Response(status=204)

    @extend_schema(request=None, responses=MadeWebhookSerializer)
    def rotate_secret(self, request: Request, team: str, public_id: str) -> Response:
        """Give a new secret; the old one signs too for 24 hours."""
        webhook = self.matched()
        webhook, secret = rotate_secret(webhook=webhook, actor=self.actor, row_version=webhook.row_version)
        return self._reveal(webhook, secret, 200)

    @extend_schema(request=None, responses={202: DeliverySerializer})
    def test(self, request: Request, team: str, public_id: str) -> Response:
        """Send a test event."""
        delivery = send_test(webhook=self.get_object(), actor=self.actor)
        return Response(DeliverySerializer(delivery).data, status=202)

    def _reveal(self, webhook: Webhook, secret: str, status: int) -> Response:
        webhook.secret = secret  # type: ignore[assignment]
        return once_only(self.answer(webhook, status=status, serializer_class=MadeWebhookSerializer))


class DeliveryFilter(FilterSet):
    """By state."""

    state = ChoiceFilter(choices=Delivery.State.choices)

    class Meta:
        model = Delivery
        fields: ClassVar[list[str]] = []


class DeliveryViewSet(PublicViewSet):
    """The delivery log of a webhook, 30 days of it."""

    permissions: ClassVar = {"list": "team.manage", "replay": "team.manage"}
    serializer_class = DeliverySerializer
    filterset_class = DeliveryFilter
    queryset = Delivery.objects.none()

    def get_queryset(self) -> Any:
        """Return the deliveries of the webhook."""
        selectors.team_for(self.actor, self.kwargs["team"])
        return selectors.deliveries_of(selectors.webhook_for(self.actor, self.kwargs["webhook"]))

    @extend_schema(request=None, responses={202: DeliverySerializer})
    def replay(self, request: Request, team: str, webhook: str, public_id: str) -> Response:
        """Send the event once more."""
        delivery = replay_delivery(delivery=self.get_object(), actor=self.actor)
        return Response(DeliverySerializer(delivery).data, status=202)


class NoticeSerializer(serializers.ModelSerializer[Notice]):
    """One message to the person who asks; `url` is a path of the console."""

    id = serializers.CharField(source="public_id")

    class Meta:
        model = Notice
        fields = ("id", "title", "text", "url", "created_at", "read_at", "mail_state")


class NoticeFilter(FilterSet):
    """`?unread=true` for those not read yet."""

    unread = BooleanFilter(field_name="read_at", lookup_expr="isnull")

    class Meta:
        model = Notice
        fields: ClassVar[list[str]] = []


class NoticeViewSet(PublicViewSet):
    """One's own notices."""

    permissions: ClassVar = {"list": "signed_in", "read": "signed_in"}
    serializer_class = NoticeSerializer
    filterset_class = NoticeFilter
    queryset = Notice.objects.none()

    def get_queryset(self) -> Any:
        """Return one's own notices."""
        return selectors.notices_for(self.actor)

    @extend_schema(request=None, responses={204: None})
    def read(self, request: Request, public_id: str) -> Response:
        """Mark a notice as read."""
        read_notice(notice=self.get_object())
        return Response(status=204)
