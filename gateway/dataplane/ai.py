"""The unified AI endpoints (kind `model`): chat completions, the models a key may name, and what a call cost."""

from __future__ import annotations

import asyncio

import orjson
from redis.exceptions import RedisError

from gateway.dataplane import model_calls, problems, replies
from gateway.dataplane.context import Call
from gateway.dataplane.errors import (
    CallUnknown,
    GatewayError,
    Header,
    LimitsUnavailable,
    OperationUnknown,
    UpstreamError,
    UpstreamUnreachable,
)
from gateway.dataplane.model_calls import Answer, Order
from gateway.dataplane.pricing import Usage, estimate_tokens
from gateway.dataplane.providers import openai
from gateway.dataplane.records import PlanRecord
from gateway.dataplane.runtime import Runtime
from gateway.dataplane.state import State
from gateway.dataplane.verdicts import call_key

BODY_BYTES = 32 * 1024 * 1024
JSON: Header = (b"content-type", b"application/json")
EVENTS: list[Header] = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
]
# A caller may ask for the cost the moment its stream ended, before the background write has come through.
LOOKUPS = 5
LOOKUP_PAUSE_SECONDS = 0.1
LOOKUP_SECONDS = 0.5


async def serve_model(call: Call, runtime: Runtime) -> None:
    """Serve a call of kind `model`."""
    if call.segments == ["chat", "completions"]:
        await serve_chat(call, runtime)
    elif call.segments == ["models"]:
        await serve_models(call, runtime)
    elif len(call.segments) == 2 and call.segments[0] == "calls":
        await serve_call(call, runtime, call.segments[1])
    else:
        raise OperationUnknown(f"The AI endpoints have no {call.raw_path[:200]}.")


def may_name(plan: PlanRecord | None, name: str, wire_name: str) -> bool:
    """Say whether a plan lets its keys name a model: all when it lists none, else by the name or what stands behind."""
    return plan is None or not plan.allowed_models or name in plan.allowed_models or wire_name in plan.allowed_models


async def serve_chat(call: Call, runtime: Runtime) -> None:
    """Serve `POST /v1/chat/completions`, streamed or whole."""
    chat = openai.parse_request(await replies.read_body(call, BODY_BYTES))
    target = model_calls.find_target(call.state, chat.model)
    if not may_name(call.plan, chat.model, target.name):
        raise model_calls.unknown(chat.model)
    order = await model_calls.admit(call, runtime, target, chat)
    call.extra_headers = model_calls.model_headers(target)
    async with model_calls.exchange(call, runtime, order) as answer:
        if chat.is_stream and (answer.header(b"content-type") or b"").startswith(b"text/event-stream"):
            await _Stream(call, runtime, order, answer, keeps_usage=chat.wants_usage).relay()
        else:
            await _relay_whole(call, runtime, order, answer)


async def _relay_whole(call: Call, runtime: Runtime, order: Order, answer: Answer) -> None:
    """Pass an unstreamed answer on, byte for byte."""
    raw = await answer.read_all()
    body = openai.read_answer(raw)
    model_calls.mark_end(call)
    model_calls.book(call, openai.read_usage(body) or _estimate(order, len(raw)), order.price)
    replies.respond(call, runtime, 200, [JSON, model_calls.cost_header(call)], raw)


def _estimate(order: Order, output_bytes: int) -> Usage:
    return Usage(estimate_tokens(len(order.body)), estimate_tokens(output_bytes), is_estimated=True)


class _Stream:
    """Relays one stream to its honest end: `[DONE]` after a finished answer, a typed error event after a broken one."""

    def __init__(self, call: Call, runtime: Runtime, order: Order, answer: Answer, *, keeps_usage: bool) -> None:
        self._call, self._runtime, self._order, self._answer = call, runtime, order, answer
        self._scanner = openai.StreamScanner(keeps_usage=keeps_usage)

    async def relay(self) -> None:
        """Relay; the usage is booked before the last piece leaves, and also when the caller left."""
        call, runtime = self._call, self._runtime
        call.is_streamed = True
        replies.start(call, runtime, 200, EVENTS)
        try:
            rest = await self._relay_events()
            failure: GatewayError | None = self._scanner.error
            if failure is None and not self._scanner.is_done and not self._scanner.is_finished:
                failure = UpstreamUnreachable("The provider's stream broke off before the answer was complete.")
        except UpstreamError as error:
            rest, failure = b"", error
        finally:
            model_calls.mark_end(call)
            self._book()
        if failure is None:
            await replies.end(call, runtime, rest + openai.DONE_EVENT)
            await self._answer.drain()
            return
        replies.note_refusal(call, failure)
        told = problems.openai_body(failure, call_id=call.id, console_url=runtime.settings.console_url)
        await replies.end(call, runtime, rest + b"data: " + told + b"\n\n")

    async def _relay_events(self) -> bytes:
        """Pass events on until the stream ends; return the last ones, unsent."""
        scanner = self._scanner
        while chunk := await self._answer.read():
            events = scanner.feed(chunk)
            if scanner.has_ended:
                return events
            if events:
                await replies.write(self._call, events)
        return scanner.close()

    def _book(self) -> None:
        usage = self._scanner.usage or _estimate(self._order, self._scanner.text_bytes)
        model_calls.book(self._call, usage, self._order.price)


async def serve_models(call: Call, runtime: Runtime) -> None:
    """Serve `GET /v1/models`: the wire names and aliases this key may use."""
    rows = [
        {"id": name, "object": "model", "created": 0, "owned_by": owner}
        for name, owner in sorted(usable_models(call.state, call.plan).items())
    ]
    replies.respond(call, runtime, 200, [JSON], orjson.dumps({"object": "list", "data": rows}))


def usable_models(state: State, plan: PlanRecord | None) -> dict[str, str]:
    """Return the names a plan's keys may use, each with the provider that stands behind."""
    names = {}
    for name in [*state.models, *state.aliases]:
        found = state.model_named(name)
        if found is None:
            continue
        wire_name, model = found
        provider = state.providers.get(model.provider)
        if provider is not None and provider.is_active and may_name(plan, name, wire_name):
            names[name] = model.provider
    return names


async def serve_call(call: Call, runtime: Runtime, call_id: str) -> None:
    """Serve `GET /v1/calls/{id}`: what an AI call used and cost, told to the application that made it, for an hour."""
    record = await _find_call(runtime, call_id)
    owner = call.credential.application_id if call.credential else ""
    if call.subscription is not None:
        owner = call.subscription.application_id
    if record is None or not owner or record.get("application_id") != owner:
        raise CallUnknown(
            f"No call {call_id[:60]!r} of this key's application ended within the last hour. "
            "A running one has no cost yet."
        )
    replies.respond(call, runtime, 200, [JSON, (b"cache-control", b"no-store")], orjson.dumps(_shown(record)))


async def _find_call(runtime: Runtime, call_id: str) -> dict[str, object] | None:
    for attempt in range(LOOKUPS):
        try:
            async with asyncio.timeout(LOOKUP_SECONDS):
                raw = await runtime.allowance.redis.get(call_key(call_id))
        except (RedisError, OSError, TimeoutError) as error:
            raise LimitsUnavailable(
                "The store that remembers calls does not answer. Try again in 1 s.", headers=[(b"retry-after", b"1")]
            ) from error
        if raw is not None:
            found: dict[str, object] = orjson.loads(raw)
            return found
        if attempt < LOOKUPS - 1:
            await asyncio.sleep(LOOKUP_PAUSE_SECONDS)
    return None


def _shown(record: dict[str, object]) -> dict[str, object]:
    input_tokens, output_tokens = int(str(record["input_tokens"])), int(str(record["output_tokens"]))
    return {
        "id": record["id"],
        "object": "call",
        "at": record["at"],
        "status": record["status"],
        "code": record["code"] or None,
        "model": record["model"],
        "provider": record["provider"],
        "is_streamed": record["is_streamed"],
        "is_client_gone": record["is_client_gone"],
        "total_ms": record["total_ms"],
        "usage": {
            "prompt_tokens": input_tokens,
            "completion_tokens": output_tokens,
            "total_tokens": input_tokens + output_tokens,
            "cached_tokens": record["cached_tokens"],
            "is_estimated": record["is_estimated"],
        },
        "cost_nano_usd": record["cost_nano"],
        "price_state": record["price_state"],
    }
