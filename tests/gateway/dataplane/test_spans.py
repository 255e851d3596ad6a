"""Spans as a collector gets them: real OTLP over HTTP, decoded by OpenTelemetry's own messages."""

from __future__ import annotations

import gzip
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.gateway.upstream import Upstream
from tests.gateway.web import Web
from tests.gateway.worker import Worker, world

TRACE = "0af7651916cd43dd8448eb211c80319c"


class Collector:
    """Takes spans as a collector does, and keeps them."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        self._web = Web(self._take)
        self.url = f"{self._web.url}/v1/traces"
        self.stop = self._web.stop

    def _take(self, headers: Any, body: bytes) -> tuple[int, bytes]:
        if headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        message = ExportTraceServiceRequest.FromString(body)
        for resource in message.resource_spans:
            for scope in resource.scope_spans:
                self.spans.extend(scope.spans)
        return 200, b""

    def span(self, call_id: str) -> Any:
        """Return the span of a call once it has come."""
        until = time.monotonic() + 15
        while time.monotonic() < until:
            for span in self.spans:
                if attributes(span)["gatehouse.call.id"] == call_id:
                    return span
            time.sleep(0.05)
        raise AssertionError(f"no span of {call_id}")


def attributes(span: Any) -> dict[str, Any]:
    return {item.key: getattr(item.value, item.value.WhichOneof("value")) for item in span.attributes}


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def worker(collector: Collector, service: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    made = Worker(tmp_path_factory.mktemp("spans"), GATEHOUSE_OTLP_URL=collector.url, OTEL_BSP_SCHEDULE_DELAY="100")
    made.load(world(made.key, service.url))
    yield made
    assert made.stop() == 0


def call(worker: Worker, path: str = "/echo", **headers: str) -> httpx.Response:
    url = f"{worker.url}/pay/orders/v1{path}"
    return httpx.get(url, headers={"x-api-key": worker.key, **headers}, trust_env=False)


def test_a_call_in_a_trace_is_its_span_and_the_upstreams_parent(worker, collector, service):
    answer = call(worker, "/echo?secret=1", traceparent=f"00-{TRACE}-b7ad6b7169203331-01")
    span = collector.span(answer.headers["x-request-id"])
    assert span.trace_id.hex() == TRACE
    assert span.parent_span_id.hex() == "b7ad6b7169203331"
    assert service.seen[-1].header("traceparent") == f"00-{TRACE}-{span.span_id.hex()}-01"
    assert span.name == "GET /pay/orders/v1/{a}"
    found = attributes(span)
    assert (found["http.response.status_code"], found["url.path"]) == (200, "/pay/orders/v1/echo")
    assert worker.key not in str(span)
    assert "secret" not in str(span)
    assert 0 < span.end_time_unix_nano - span.start_time_unix_nano < 10**10


def test_a_trace_that_begins_here_is_marked_as_recorded(worker, collector, service):
    answer = call(worker)
    span = collector.span(answer.headers["x-request-id"])
    assert span.parent_span_id == b""
    assert service.seen[-1].header("traceparent") == f"00-{span.trace_id.hex()}-{span.span_id.hex()}-01"


def test_a_caller_that_records_nothing_is_not_recorded(worker, collector):
    silent = call(worker, traceparent=f"00-{TRACE}-b7ad6b7169203331-00").headers["x-request-id"]
    collector.span(call(worker).headers["x-request-id"])
    assert all(attributes(span)["gatehouse.call.id"] != silent for span in collector.spans)


def test_a_failure_says_whose_it_was(worker, collector):
    answer = call(worker, "/garbage")
    span = collector.span(answer.headers["x-request-id"])
    found = attributes(span)
    assert (found["error.type"], found["gatehouse.fault"]) == ("upstream-invalid", "upstream")
    assert span.status.code == 2
