"""URLs of the place usage."""

from django.urls import URLPattern, path

from console.usage.calls import call
from console.usage.costs import costs
from console.usage.overview import overview

urlpatterns: list[URLPattern] = [
    path("usage", overview, name="usage"),
    path("usage/costs", costs, name="usage-costs"),
    path("calls/<str:request_id>", call, name="call"),
]
