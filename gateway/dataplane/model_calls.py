"""One call to a model, whoever asks: find it, bound its cost, admit, send, and book what it used.

Shared by the unified AI endpoints (`ai.py`) and the prompt APIs (`prompts.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from gateway.dataplane import pricing, replies, tracing
from gateway.dataplane.context import Call
from gateway.dataplane.errors import (
    ClientGone,
    Header,
    ModelUnknown,
    PolicyDenied,
    ProviderKeyMissing,
    UpstreamError,
    UpstreamInvalid,
)
from gateway.dataplane.policies import limits
from gateway.dataplane.providers import openai
from gateway.dataplane.providers.keyring import ring
from gateway.dataplane.records import ModelRecord, PriceRecord, ProviderKeyRecord, ProviderRecord
from gateway.dataplane.runtime import Runtime
from gateway.dataplane.state import State
from gateway.dataplane.upstreams import UpstreamRequest, UpstreamResponse

ANSWER_BYTES = 64 * 1024 * 1024
ERROR_BYTES = 256 * 1024
DRAIN_SECONDS = 0.5
BUDGET_UNITS = frozenset({"tokens", "nano_usd"})


@dataclass(frozen=True, slots=True)
class Target:
    """A model with all that a call to it needs. `name` is the wire name; no `keys` where none is asked for."""

    name: str
    model: ModelRecord
    slug: str
    provider: ProviderRecord
    keys: tuple[tuple[str, ProviderKeyRecord], ...]


@dataclass(frozen=True, slots=True)
class Order:
    """An admitted call, ready to be sent. Without a price its cost stays 0 and its price state is `unknown`."""

    target: Target
    body: bytes
    price: PriceRecord | None
    is_stream: bool


class Answer:
    """A provider's answer. `read` is the response's own."""

    __slots__ = ("_response", "headers", "read", "status")

    def __init__(self, response: UpstreamResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.read = response.read
        self._response = response

    def header(self, name: bytes) -> bytes | None:
        """Return the first value of a header, named in lower case."""
        return next((value for key, value in self.headers if key == name), None)

    async def read_all(self, limit: int = ANSWER_BYTES) -> bytes:
        """Return the whole body; raise UpstreamInvalid over the limit, or when it is compressed though nobody asked."""
        if (self.header(b"content-encoding") or b"identity") != b"identity":
            raise UpstreamInvalid("The provider's answer is compressed though the gateway asked for plain text.")
        chunks, size = [], 0
        while chunk := await self.read():
            chunks.append(chunk)
            size += len(chunk)
            if size > limit:
                raise UpstreamInvalid(f"The provider's answer is over {limit} bytes.")
        return b"".join(chunks)

    async def drain(self) -> None:
        """Read what is left after the last event, so that the connection can be used again; not for long."""
        with contextlib.suppress(TimeoutError, UpstreamError):
            async with asyncio.timeout(DRAIN_SECONDS):
                while await self._response.read():
                    pass


def find_target(state: State, name: str) -> Target:
    """Return the model behind a wire name or an alias; raise ModelUnknown, or ProviderKeyMissing when all are off."""
    found = state.model_named(name)
    if found is None:
        raise unknown(name)
    wire_name, model = found
    provider = state.providers.get(model.provider)
    if provider is None or not provider.is_active or provider.wire != "openai":
        raise unknown(name)
    keys = state.keys_of_provider(model.provider)
    # A provider that never had a key is a local server that asks for none.
    if not keys and state.key_names_by_provider.get(model.provider):
        raise key_missing(model.provider)
    return Target(wire_name, model, model.provider, provider, tuple(keys))


def unknown(name: str) -> ModelUnknown:
    """Return the refusal of a model that is not there, or not for this key: both say the same."""
    return ModelUnknown(
        f"There is no model or alias {name[:120]!r} that this key may use. GET /v1/models lists those there are.",
        param="model",
    )


def key_missing(provider: str) -> ProviderKeyMissing:
    """Return the refusal of a provider without a usable key."""
    return ProviderKeyMissing(f"The provider {provider} has no active key. A platform admin must add one.")


def has_budget(call: Call) -> bool:
    """Say whether tokens or money of the call are limited, so that its output must be capped."""
    return call.plan is not None and any(limit.unit in BUDGET_UNITS for limit in call.plan.limits)


async def admit(call: Call, runtime: Runtime, target: Target, chat: openai.ChatRequest) -> Order:
    """Bound the call and take its limits; raise when the plan does not let it through.

    Where the caller gave no cap on the output the gateway sets one, but only under a budget: else the request stays
    as it is.
    """
    call.provider, call.model = target.slug, target.name
    price, call.price_state = pricing.choose_price(call.state.prices, target.name, call.plan)
    if not chat.is_text_only and has_budget(call):
        raise PolicyDenied(
            "This plan limits tokens or money, and the cost of images, audio or files has no bound. Send text only.",
            rule=f"{call.plan.name if call.plan else ''} budget",
            param="messages",
        )
    cap = chat.output_cap or target.model.max_output_tokens or pricing.DEFAULT_OUTPUT_TOKENS
    body = openai.forward_body(
        chat,
        upstream_name=target.model.upstream_name,
        output_cap=cap if has_budget(call) else None,
        cap_field=openai.cap_field(target.provider.base_url),
    )
    worst = pricing.bound_tokens(body_bytes=len(body), messages=chat.messages, output_cap=cap, choices=chat.choices)
    call.reserved_tokens = worst.tokens
    call.reserved_nano = pricing.worst_cost_nano(price, worst) if price is not None else 0
    await limits.admit(call, runtime)
    return Order(target, body, price, chat.is_stream)


@contextlib.asynccontextmanager
async def exchange(call: Call, runtime: Runtime, order: Order) -> AsyncIterator[Answer]:
    """Record the start, send, and give the answer's head; the connection is given back, or cut, however the block ends.

    Raises ProviderError for a status of 400 and above. A caller that leaves is charged for the input at least.
    """
    tried: list[str] = []
    try:
        response = await _send(call, runtime, order, tried)
        try:
            call.first_byte_ns = time.monotonic_ns()
            call.upstream_status = response.status
            answer = Answer(response)
            if answer.status != 200:
                await _raise_refusal(order.target, answer)
            yield answer
        finally:
            await response.aclose()
    except (asyncio.CancelledError, ClientGone):
        if not call.input_tokens:
            book(call, pricing.Usage(pricing.estimate_tokens(len(order.body)), is_estimated=True), order.price)
        raise
    finally:
        mark_end(call)


async def _send(call: Call, runtime: Runtime, order: Order, tried: list[str]) -> UpstreamResponse:
    """Send with one of the provider's keys; with the next one where the provider wants this one to wait."""
    while True:
        chosen = ring.choose(order.target.keys, tried)
        request = _request(order, chosen[1].secret if chosen else "")
        request.headers.append(tracing.next_hop(call.headers, call.id, is_traced=call.is_traced))
        replies.record_started(call, runtime)
        call.upstream_start_ns = time.monotonic_ns()
        response = await runtime.upstream.send(request)
        if response.status != 429 or chosen is None:
            return response
        tried.append(chosen[0])
        ring.cool_down(chosen[0], next((value for name, value in response.headers if name == b"retry-after"), None))
        if ring.choose(order.target.keys, tried) is None:
            return response
        await response.aclose()
        replies.record_retried(call, runtime, status=429, reason="The provider's limit for this key was reached.")


def mark_end(call: Call) -> None:
    """Note when the provider was done, once."""
    call.upstream_end_ns = call.upstream_end_ns or time.monotonic_ns()


def book(call: Call, usage: pricing.Usage, price: PriceRecord | None) -> None:
    """Write what the call used, and its cost, into the call."""
    call.input_tokens, call.output_tokens = usage.input_tokens, usage.output_tokens
    call.cached_tokens, call.is_estimated = usage.cached_tokens, usage.is_estimated
    call.cost_nano = pricing.cost_nano(price, usage) if price is not None else 0


def model_headers(target: Target) -> list[Header]:
    """Return the headers that name who answered."""
    return [(b"gatehouse-model", target.name.encode()), (b"gatehouse-provider", target.slug.encode())]


def cost_header(call: Call) -> Header:
    """Return the header of an unstreamed answer's cost; absent from streams, whose head leaves before it is known."""
    return b"gatehouse-cost-nano-usd", b"%d" % call.cost_nano


def _request(order: Order, key: str) -> UpstreamRequest:
    provider = order.target.provider
    headers: list[Header] = [
        (b"content-type", b"application/json"),
        (b"accept", b"text/event-stream" if order.is_stream else b"application/json"),
        (b"accept-encoding", b"identity"),
        (b"user-agent", b"gatehouse"),
    ]
    if key:
        headers.append((b"authorization", b"Bearer " + key.encode()))
    return UpstreamRequest(
        "POST",
        provider.base_url.rstrip("/") + openai.PATH,
        headers,
        order.body,
        connect_seconds=provider.connect_seconds,
        first_byte_seconds=provider.first_byte_seconds,
        between_chunks_seconds=provider.between_chunks_seconds,
        total_seconds=provider.total_seconds,
    )


async def _raise_refusal(target: Target, answer: Answer) -> None:
    if answer.status < 400:
        raise UpstreamInvalid(f"The provider answered with status {answer.status}, which is no answer to a chat.")
    raw = await answer.read_all(ERROR_BYTES)
    if answer.status in (401, 403) and not target.keys:
        raise key_missing(target.slug)
    raise openai.provider_error(answer.status, raw, retry_after=answer.header(b"retry-after"))
