"""Spans as a collector gets them: real OTLP over HTTP, decoded by OpenTelemetry's own messages."""

from __future__ import annotations

import gzip
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.gateway.upstream import Upstream
from tests.gateway.worker import Worker, world

TRACE = "0af7651916cd43dd8448eb211c80319c"


class Collector:
    def __init__(self) -> None:
        self.spans: list[Any] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # noqa: N802  the library's name
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                message = ExportTraceServiceRequest.FromString(body)
                for resource in message.resource_spans:
                    for scope in resource.scope_spans:
                        collector.spans.extend(scope.spans)
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *arguments: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1/traces"
        self._thread = Thread(target=self._server.serve_forever)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

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
