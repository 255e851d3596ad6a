"""Try-it: the console sends the call through the real gateway with a credential of fifteen minutes."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

import httpx
from django.conf import settings

from apis.models import Subscription
from apis.try_it import mint_try_it_token
from common.errors import Unavailable
from gateway.control.rollout import wait_until_applied
from teams.models import User

MAX_SHOWN_BYTES = 256 * 1024
RELAY_SECONDS = 60.0
HIDDEN = {"connection", "keep-alive", "transfer-encoding", "date", "server"}


@dataclass(frozen=True, slots=True)
class Relayed:
    """What came back, ready to be shown."""

    status: int
    reason: str
    headers: list[tuple[str, str]]
    body: str
    is_cut: bool
    elapsed_ms: float
    overhead_ms: str
    request_id: str
    left: str
    cost_nano: int | None
    why: str

    @property
    def is_good(self) -> bool:
        """Say whether the call succeeded."""
        return self.status < 400


def relay_call(
    *, user: User, subscription: Subscription, method: str, target: str, headers: dict[str, str], body: bytes | None
) -> Relayed:
    """Send a call as this person's try-it; it is counted and limited like any other."""
    token = mint_try_it_token(user=user, subscription=subscription)
    # A subscription made a moment ago must be known to every worker first, or the call would be refused by one.
    wait_until_applied("subscription", subscription.public_id)
    sent = {**_safe(headers), "authorization": f"Bearer {token}"}
    started = time.monotonic()
    try:
        with (
            httpx.Client(timeout=RELAY_SECONDS, follow_redirects=False, trust_env=False) as client,
            client.stream(method, f"{settings.GATEHOUSE_GATEWAY_URL}{target}", headers=sent, content=body) as answer,
        ):
            content, is_cut = _read(answer)
    except httpx.HTTPError as error:
        raise Unavailable(f"The gateway at {settings.GATEHOUSE_GATEWAY_URL} does not answer: {error}.") from error
    return _shown(answer, content, is_cut, (time.monotonic() - started) * 1000)


def _safe(headers: dict[str, str]) -> dict[str, str]:
    """Keep what a person may set: nothing that carries a credential or frames the message."""
    refused = {"authorization", "x-api-key", "api-key", "host", "content-length", "transfer-encoding", "connection"}
    return {
        name: value
        for name, value in headers.items()
        if name.lower() not in refused and value.isprintable() and value.isascii()
    }


def _read(answer: httpx.Response) -> tuple[bytes, bool]:
    content = bytearray()
    for chunk in answer.iter_bytes():
        content += chunk
        if len(content) > MAX_SHOWN_BYTES:
            return bytes(content[:MAX_SHOWN_BYTES]), True
    return bytes(content), False


def _shown(answer: httpx.Response, content: bytes, is_cut: bool, elapsed_ms: float) -> Relayed:
    text = content.decode("utf-8", "replace")
    parsed: Any = None
    if "json" in answer.headers.get("content-type", ""):
        try:
            parsed = json.loads(text)
            text = json.dumps(parsed, indent=2, ensure_ascii=False)
        except ValueError:
            parsed = None
    usage = parsed.get("usage") if isinstance(parsed, dict) else None
    cost = answer.headers.get("gatehouse-cost-nano-usd") or (usage or {}).get("cost_nano_usd")
    return Relayed(
        status=answer.status_code,
        reason=answer.reason_phrase,
        headers=[(name, value) for name, value in answer.headers.items() if name not in HIDDEN],
        body=text,
        is_cut=is_cut,
        elapsed_ms=elapsed_ms,
        overhead_ms=answer.headers.get("gatehouse-overhead-ms", ""),
        request_id=answer.headers.get("x-request-id", ""),
        left=calls_left(answer.headers.get("ratelimit", ""), answer.headers.get("ratelimit-policy", "")),
        cost_nano=int(cost) if cost is not None and str(cost).isdigit() else None,
        why=str(parsed.get("detail", "")) if isinstance(parsed, dict) and answer.status_code >= 400 else "",
    )


def calls_left(limits: str, policies: str) -> str:
    """Say what the first RateLimit item says (draft-ietf-httpapi-ratelimit-headers): how many calls are left."""
    first = limits.split(",")[0]
    parts = dict(part.strip().partition("=")[::2] for part in first.split(";")[1:])
    name = first.split(";")[0].strip()
    policy = next((item for item in policies.split(",") if item.strip().startswith(name)), "")
    quota = dict(part.strip().partition("=")[::2] for part in policy.split(";")[1:]).get("q", "")
    if not name or not parts.get("r", "").isdigit() or not quota:
        return ""
    return f"You have {parts['r']} of {quota} calls left this {name.strip(chr(34))}"
