"""One OpenTelemetry span for each call, sent by OTLP over HTTP in batches from a thread of the SDK's own.

An extra: `pip install 'gatehouse[otel]'`, then GATEHOUSE_OTLP_URL. The span's id is the parent id that the upstream
is told (tracing.py), so a trace goes through. Names follow OpenTelemetry's semantic conventions.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from gateway.dataplane.calls import Finished
from gateway.dataplane.context import Call
from gateway.dataplane.tracing import context_of

SCOPE = InstrumentationScope("gatehouse.gateway")
SERVER_ERROR = 500


class Spans:
    """The exporter of one worker. What cannot be sent is dropped by the SDK: calls never wait for it."""

    def __init__(self, url: str, *, node: str, worker: str, environment: str = "production") -> None:
        self._resource = Resource.create(
            {
                "service.name": "gatehouse",
                "service.instance.id": f"{node}/{worker}",
                "deployment.environment.name": environment,
            }
        )
        self._processor = BatchSpanProcessor(OTLPSpanExporter(endpoint=url))

    def note(self, call: Call) -> None:
        """Take a call that has ended; returns at once."""
        finished = call.finished
        if finished is None:
            return
        trace, parent, is_sampled = context_of(call.headers, call.id)
        if not is_sampled:
            return
        flags = TraceFlags(TraceFlags.SAMPLED)
        trace_id, own = int(trace, 16), int(call.id.replace("-", "")[16:], 16)
        end = time.time_ns()
        span = ReadableSpan(
            name=f"{finished.method} {_template(call)}".strip(),
            context=SpanContext(trace_id, own, is_remote=False, trace_flags=flags),
            parent=SpanContext(trace_id, int(parent, 16), is_remote=True, trace_flags=flags) if parent else None,
            resource=self._resource,
            attributes=_attributes(call, finished),
            kind=SpanKind.SERVER,
            status=Status(StatusCode.ERROR, finished.code) if finished.status >= SERVER_ERROR else Status(),
            start_time=end - int(finished.total_ms * 1_000_000),
            end_time=end,
            instrumentation_scope=SCOPE,
        )
        self._processor.on_end(span)

    def close(self) -> None:
        """Send what waits, for a moment at most."""
        self._processor.force_flush(2000)
        self._processor.shutdown()


def _template(call: Call) -> str:
    if call.route is None:
        return ""
    path = call.operation.path if call.operation is not None else ""
    return f"{call.route.base_path}/{call.route.version}{path}"


def _attributes(call: Call, finished: Finished) -> Mapping[str, str | int | float]:
    found: dict[str, str | int | float] = {
        "http.request.method": finished.method,
        "url.path": finished.path,
        "http.route": _template(call),
        "http.response.status_code": finished.status,
        "client.address": call.peer,
        "gatehouse.call.id": finished.id,
        "gatehouse.api.id": finished.api_id,
        "gatehouse.version.id": finished.version_id,
        "gatehouse.application.id": finished.application_id,
        "gatehouse.overhead_ms": finished.overhead_ms,
        "gatehouse.upstream_ms": finished.upstream_ms,
    }
    if finished.code:
        found |= {"error.type": finished.code, "gatehouse.fault": finished.fault}
    if finished.model:
        found |= {
            "gen_ai.request.model": finished.model,
            "gen_ai.provider.name": finished.provider,
            "gen_ai.usage.input_tokens": finished.input_tokens,
            "gen_ai.usage.output_tokens": finished.output_tokens,
            "gatehouse.cost_nano_usd": finished.cost_nano,
        }
    return {name: value for name, value in found.items() if value != ""}
