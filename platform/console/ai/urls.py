"""URLs of the place ai."""

from django.urls import URLPattern, path

from console.ai import models, prompts

PROMPT = "ai/prompts/<slug:team>/<slug:prompt>"

urlpatterns: list[URLPattern] = [
    path("ai/models", models.models, name="ai_models"),
    path("ai/models/<slug:provider>/<path:name>", models.model, name="ai_model"),
    path("ai/providers", models.providers, name="ai_providers"),
    path("ai/providers/new", models.new_provider, name="ai_provider_new"),
    path("ai/providers/<slug:provider>", models.provider, name="ai_provider"),
    path("ai/prompts", prompts.prompts, name="ai_prompts"),
    path("ai/prompts/new", prompts.new_prompt, name="ai_prompt_new"),
    path(PROMPT, prompts.prompt, name="ai_prompt"),
    path(f"{PROMPT}/publish", prompts.publish, name="ai_prompt_publish"),
]
