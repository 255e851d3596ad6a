"""The application of one worker: its own two health pages, and everything else a call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from gateway.dataplane import oauth, problems, proxy
from gateway.dataplane.calls import Finished, new_call_id
from gateway.dataplane.context import Call
from gateway.dataplane.errors import BadRequest, Header
from gateway.dataplane.listener.exchange import Exchange
from gateway.dataplane.listener.server import Serve
from gateway.dataplane.runtime import Runtime

JSON = (b"content-type", b"application/json")
NO_STORE = (b"cache-control", b"no-store")


def create_app(runtime: Runtime) -> Serve:
    """Return the application; everything it needs is in the runtime, nothing is set up per call."""
    live, settings, now = runtime.live, runtime.settings, runtime.now
    serve = proxy.serve

    async def application(exchange: Exchange) -> None:
        if exchange.raw_path == b"/livez":
            _answer(exchange, 200, {"status": "ok"})
        elif exchange.raw_path == b"/readyz":
            body = readiness(runtime)
            _answer(exchange, 200 if body["ready"] else 503, body)
        elif exchange.raw_path in oauth.PATHS:
            await oauth.serve(exchange, runtime)
        else:
            await serve(Call(exchange, state=live.current(), settings=settings, now=now()), runtime)

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


def _answer(exchange: Exchange, status: int, content: dict[str, Any]) -> None:
    body = orjson.dumps(content)
    exchange.start(status, [JSON, NO_STORE, (b"content-length", b"%d" % len(body))])
    exchange.end(b"" if exchange.method == "HEAD" else body)


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
