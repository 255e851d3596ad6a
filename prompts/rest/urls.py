"""Routes of this app's REST API."""

from __future__ import annotations

from django.urls import path

from prompts.rest.views import PromptVersionViewSet, PromptViewSet

urlpatterns = [
    path("prompts", PromptViewSet.as_view({"get": "list", "post": "create"}), name="prompts"),
    path("prompts/<str:public_id>", PromptViewSet.as_view({"get": "retrieve"}), name="prompt"),
    path("prompts/<str:public_id>/run", PromptViewSet.as_view({"post": "run"}), name="prompt-run"),
    path("prompts/<str:public_id>/publish", PromptViewSet.as_view({"post": "publish"}), name="prompt-publish"),
    path(
        "prompts/<str:prompt>/versions",
        PromptVersionViewSet.as_view({"get": "list", "post": "create"}),
        name="prompt-versions",
    ),
    path(
        "prompts/<str:prompt>/versions/<int:number>",
        PromptVersionViewSet.as_view({"get": "retrieve"}),
        name="prompt-version",
    ),
]
