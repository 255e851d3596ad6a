"""Runs a prompt in its page, before it is published: the same program as the gateway's, straight to the provider."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import orjson

from common import outbound
from common.errors import DomainError, Invalid, Unavailable
from gateway.dataplane import prompts as program_of
from gateway.dataplane.errors import GatewayError
from gateway.dataplane.pricing import Usage, cost_nano, estimate_tokens
from gateway.dataplane.providers import openai
from gateway.dataplane.records import ParameterRecord, PromptRecord
from prompts.models import PromptVersion
from providers.pricebook import NANO_PER_USD, price_of
from providers.selectors import model_named
from providers.services.providers import secret_header
from teams.models import User
from teams.roles import require_permission

RUN_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Run:
    """One answer of the model; the cost is None when the model has no price."""

    output: Any
    input_tokens: int
    output_tokens: int
    cost_usd: Decimal | None
    elapsed_ms: float
    model: str


def run_prompt(*, version: PromptVersion, arguments: dict[str, Any], actor: User) -> Run:
    """Fill the template, ask the model, check the output; raise Invalid for arguments, Unavailable for the model."""
    require_permission(actor=actor, team=version.template.team, permission="prompts.edit", what="run its prompts")
    model = model_named(version.model)
    if model is None or not (model.is_active and model.provider.is_active):
        raise Invalid(f"There is no model called {version.model}, or it is switched off.")
    try:
        program = program_of.compile_program(_record(version))
        filled = program_of.read_arguments(program, orjson.dumps(arguments))
        cap = openai.cap_field(model.provider.base_url)
        chat = program_of.build_chat(program, program_of.build_messages(program, filled), cap)
        body = openai.forward_body(chat, upstream_name=model.name, output_cap=None, cap_field=cap)
        answer = outbound.request(
            "POST",
            f"{model.provider.base_url.rstrip('/')}/chat/completions",
            headers={"content-type": "application/json", **secret_header(model.provider)},
            content=body,
            max_bytes=4 * 1024 * 1024,
            timeout_seconds=RUN_SECONDS,
        )
        if answer.status != 200:
            raise openai.provider_error(answer.status, answer.content, retry_after=None)
        whole = openai.read_answer(answer.content)
        text, finish_reason = openai.answer_text(whole)
        output = program_of.read_output(program, text, finish_reason)
    except GatewayError as error:
        raise _domain(error) from error
    usage = openai.read_usage(whole) or Usage(estimate_tokens(len(body)), estimate_tokens(len(answer.content)))
    price = price_of(model)
    # Counted as the gateway counts, cached input and rounding included.
    cost = None if price is None else Decimal(cost_nano(price.to_record(), usage)) / NANO_PER_USD
    return Run(output, usage.input_tokens, usage.output_tokens, cost, answer.elapsed_ms, model.wire_name)


def _record(version: PromptVersion) -> PromptRecord:
    return PromptRecord(
        model=version.model,
        template=version.text,
        system=version.system,
        parameters=tuple(
            ParameterRecord(item["name"], item["type"], item["is_required"], item["default"], tuple(item["values"]))
            for item in version.parameters
        ),
        output=version.output,
        schema=orjson.dumps(version.schema).decode() if version.schema else "",
        temperature=version.temperature,
        max_output_tokens=version.max_output_tokens,
    )


def _domain(error: GatewayError) -> DomainError:
    detail = str(error)
    if error.fault == "caller":
        errors = error.extra.get("errors", []) if error.extra else []
        return Invalid(detail, errors=errors)
    return Unavailable(detail, code=error.code)
