"""Signals of apis, sent inside the transaction of the change. `gateway.control` writes changelog rows on them."""

from django.dispatch import Signal

# version: apis.models.ApiVersion, whose routing, state, dates, visibility or deployment changed
version_changed = Signal()
# plan: apis.models.Plan
plan_changed = Signal()
# subscription: apis.models.Subscription
subscription_changed = Signal()
# api: apis.models.Api, which has just moved; from_team: the teams.models.Team it left; actor: who accepted it
api_transferred = Signal()
