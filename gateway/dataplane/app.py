"""The ASGI application of one worker: its own two health pages, and everything else a call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import orjson

from gateway.dataplane import problems, proxy
from gateway.dataplane.calls import Finished, new_call_id
from gateway.dataplane.context import Call, Message, Receive, Send
from gateway.dataplane.errors import BadRequest, Header
from gateway.dataplane.runtime import Runtime

JSON = (b"content-type", b"application/json")
NO_STORE = (b"cache-control", b"no-store")
Application = Callable[[Message, Receive, Send], Awaitable[None]]


def create_app(runtime: Runtime) -> Application:
    """Return the application; everything it needs is in the runtime, nothing is set up per call."""
    live, settings, now = runtime.live, runtime.settings, runtime.now
    serve = proxy.serve

    async def application(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise ValueError(f"the gateway serves no {scope['type']}")
        raw_path = scope["raw_path"]
        if raw_path == b"/livez":
            await _answer(send, 200, {"status": "ok"})
        elif raw_path == b"/readyz":
            body = readiness(runtime)
            await _answer(send, 200 if body["ready"] else 503, body)
        else:
            await serve(Call(scope, receive, send, state=live.current(), settings=settings, now=now()), runtime)

    return application


def readiness(runtime: Runtime) -> dict[str, Any]:
    """Return what /readyz says: ready once a state is loaded and not too old, and calls can be recorded."""
    live, settings = runtime.live, runtime.settings
    is_recording = runtime.spool.is_writable or settings.on_spool_full == "serve"
    is_ready = live.is_loaded and not live.is_too_old and is_recording and not live.is_draining
    return {
        "ready": is_ready,
        "generation": live.current().generation,
        "is_stale": live.is_stale,
        "is_draining": live.is_draining,
        "age_seconds": round(live.age_seconds, 1),
        "is_spool_writable": runtime.spool.is_writable,
        "spool_bytes": runtime.spool.size_bytes,
        "node": settings.node,
        "worker": settings.worker,
        "stores": {"limits": "up" if runtime.allowance.is_store_up else "down"},
    }


async def _answer(send: Send, status: int, content: dict[str, Any]) -> None:
    body = orjson.dumps(content)
    headers = [JSON, NO_STORE, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


class _BadHead(BadRequest):
    """A request that the listener refused: the status is the listener's, the code is always the same."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


def refusal_of(runtime: Runtime) -> Callable[[int, str], tuple[list[Header], bytes]]:
    """Return what answers, counts and explains a request that never became a call."""

    def refuse(status: int, detail: str) -> tuple[list[Header], bytes]:
        now = runtime.now()
        call_id = str(new_call_id(now))
        error = _BadHead(status, detail)
        headers, body = problems.render(error, call_id=call_id, console_url=runtime.settings.console_url, is_ai=False)
        runtime.spool.count_refusal(code=error.code, version_id="", at=now)
        finished = Finished(
            id=call_id, attempt=0, at=now, status=status, code=error.code, fault=error.fault, verdict=detail
        )
        runtime.verdicts.note(finished)
        return [*headers, (b"x-request-id", call_id.encode())], body

    return refuse
