"""Plans and subscriptions over REST."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apis.models import Plan, Subscription
from apis.rest import filters
from apis.rest import serializers as forms
from apis.selectors import visible_apis, visible_plans, visible_subscriptions, visible_versions
from apis.services.plans import create_plan, update_plan
from apis.services.subscriptions import (
    approve_subscription,
    change_plan,
    end_subscription,
    reject_subscription,
    resume_subscription,
    subscribe,
    suspend_subscription,
)
from apis.try_it import LIFETIME_SECONDS, mint_try_it_token
from common.errors import NotFound
from common.rest import PublicViewSet, once_only
from teams.selectors import application_for


class PlanViewSet(PublicViewSet):
    """The plans of the APIs one may see."""

    permissions: ClassVar = {
        "list": "signed_in", "retrieve": "signed_in", "create": "plans.manage", "partial_update": "plans.manage",
    }  # fmt: skip
    serializer_class = forms.PlanSerializer
    filterset_class = filters.PlanFilter
    queryset = Plan.objects.none()

    def get_queryset(self) -> Any:
        """Return the plans to be seen."""
        return visible_plans(self.actor)

    @extend_schema(request=forms.NewPlanSerializer, responses={201: forms.PlanSerializer})
    def create(self, request: Request) -> Response:
        """Create a plan of an API."""
        body = self.body(forms.NewPlanSerializer)
        api = visible_apis(self.actor).filter(public_id=body.pop("api")).first()
        if api is None:
            raise NotFound("There is no such API.")
        return self.answer(create_plan(api=api, actor=self.actor, limits=body.pop("limits", []), **body), status=201)

    def partial_update(self, request: Request, public_id: str) -> Response:
        """Change a plan."""
        plan = self.matched()
        return self.answer(update_plan(plan=plan, actor=self.actor, **self.body(forms.PlanSerializer, partial=True)))


class SubscriptionViewSet(PublicViewSet):
    """Subscriptions of one's applications, and to one's APIs."""

    permissions: ClassVar = {
        "list": "signed_in", "retrieve": "team.view", "create": "applications.manage",
        "approve": "subscriptions.decide", "reject": "subscriptions.decide", "end": "applications.manage",
        "try_it": "keys.manage", "change_plan": "applications.manage", "suspend": "applications.manage",
        "resume": "applications.manage",
    }  # fmt: skip
    serializer_class = forms.SubscriptionSerializer
    filterset_class = filters.SubscriptionFilter
    queryset = Subscription.objects.none()

    def get_queryset(self) -> Any:
        """Return the subscriptions to be seen."""
        return visible_subscriptions(self.actor)

    @extend_schema(request=forms.NewSubscriptionSerializer, responses={201: forms.SubscriptionSerializer})
    def create(self, request: Request) -> Response:
        """Subscribe an application to a version under a plan."""
        body = self.body(forms.NewSubscriptionSerializer)
        version = visible_versions(self.actor).filter(public_id=body["version"]).first()
        plan = visible_plans(self.actor).filter(public_id=body["plan"]).first()
        if version is None or plan is None:
            raise NotFound("There is no such version or plan.")
        application = application_for(self.actor, body["application"])
        made = subscribe(
            application=application, version=version, plan=plan, actor=self.actor, accepts_terms=body["accepts_terms"]
        )
        return self.answer(made, status=201)

    @extend_schema(request=None)
    def approve(self, request: Request, public_id: str) -> Response:
        """Accept a pending subscription."""
        return self.answer(approve_subscription(subscription=self.matched(), actor=self.actor))

    @extend_schema(request=forms.RejectSerializer)
    def reject(self, request: Request, public_id: str) -> Response:
        """Refuse a pending subscription."""
        row = self.matched()
        reason = self.body(forms.RejectSerializer)["reason"]
        return self.answer(reject_subscription(subscription=row, actor=self.actor, reason=reason))

    @extend_schema(request=forms.RejectSerializer)
    def end(self, request: Request, public_id: str) -> Response:
        """End a subscription."""
        row = self.matched()
        reason = self.body(forms.RejectSerializer)["reason"]
        return self.answer(end_subscription(subscription=row, actor=self.actor, reason=reason))

    @extend_schema(request=forms.ChangePlanSerializer)
    def change_plan(self, request: Request, public_id: str) -> Response:
        """Move to another plan of the API, at once or once it is approved."""
        row = self.matched()
        body = self.body(forms.ChangePlanSerializer)
        plan = visible_plans(self.actor).filter(public_id=body.pop("plan")).first()
        if plan is None:
            raise NotFound("There is no such plan.")
        return self.answer(change_plan(subscription=row, plan=plan, actor=self.actor, **body))

    @extend_schema(request=forms.RejectSerializer)
    def suspend(self, request: Request, public_id: str) -> Response:
        """Refuse its keys until it is resumed."""
        row = self.matched()
        reason = self.body(forms.RejectSerializer)["reason"]
        return self.answer(suspend_subscription(subscription=row, actor=self.actor, reason=reason))

    @extend_schema(request=None)
    def resume(self, request: Request, public_id: str) -> Response:
        """Serve its keys again."""
        return self.answer(resume_subscription(subscription=self.matched(), actor=self.actor))

    @extend_schema(request=None, responses={201: forms.TryItSerializer})
    def try_it(self, request: Request, public_id: str) -> Response:
        """Mint a credential of fifteen minutes for trying calls; it is stored nowhere."""
        token = mint_try_it_token(user=self.actor, subscription=self.get_object())
        answer = forms.TryItSerializer({"token": token, "expires_in_seconds": LIFETIME_SECONDS})
        return once_only(Response(answer.data, status=201))
