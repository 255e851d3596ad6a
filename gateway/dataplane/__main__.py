"""One worker: `python -m gateway.dataplane --listen-fd N --control-fd M --worker w1`."""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
import socket
import sys
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import uvloop

from gateway.dataplane import ai, prompts, proxy
from gateway.dataplane.access_log import AccessLog
from gateway.dataplane.allowance import Allowance
from gateway.dataplane.app import create_app, refusal_of
from gateway.dataplane.control_link import ControlLink
from gateway.dataplane.keys import Sealer
from gateway.dataplane.listener.server import Server
from gateway.dataplane.policies.key_sets import KeySets
from gateway.dataplane.policies.own_tokens import Signer
from gateway.dataplane.runtime import Keys, Runtime
from gateway.dataplane.settings import SettingError, Settings
from gateway.dataplane.spool import Spool
from gateway.dataplane.state import LiveState
from gateway.dataplane.upstreams import Upstream
from gateway.dataplane.upstreams.asyncio_client import AsyncioUpstream
from gateway.dataplane.upstreams.guard import Guard
from gateway.dataplane.verdicts import Verdicts

if TYPE_CHECKING:
    from gateway.dataplane.spans import Spans

log = logging.getLogger("gatehouse.worker")

EXIT_SETTINGS = 2
# A call leaves no cycles: with the default of 700 the collector looks through the calls under way again and again.
COLLECT_AFTER_ALLOCATIONS = 20_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the worker until it is told to stop; return its exit status."""
    parser = argparse.ArgumentParser(prog="gateway.dataplane", description="One gateway worker, started by its node.")
    parser.add_argument("--listen-fd", type=int, required=True, help="the listening socket, inherited")
    parser.add_argument("--control-fd", type=int, required=True, help="the socket to the node, inherited")
    parser.add_argument("--worker", default="w1", help="the worker's name on its node")
    options = parser.parse_args(arguments)
    logging.basicConfig(
        level=logging.WARNING, stream=sys.stderr, format="%(asctime)s level=%(levelname)s logger=%(name)s %(message)s"
    )
    logging.getLogger("gatehouse").setLevel(os.environ.get("GATEHOUSE_LOG_LEVEL", "WARNING"))
    try:
        settings = Settings.from_env(worker=options.worker)
        spans = create_spans(settings)
    except SettingError as error:
        sys.stderr.write(f"gateway worker: {error}\n")
        return EXIT_SETTINGS
    gc.set_threshold(COLLECT_AFTER_ALLOCATIONS, 20, 20)
    listening = socket.socket(fileno=options.listen_fd)
    control = socket.socket(fileno=options.control_fd)
    uvloop.run(run_worker(settings, listening, control, spans))
    if spans is not None:
        spans.close()
    return 0


def create_upstream(settings: Settings) -> Upstream:
    """Return the upstream client that the settings name."""
    guard = Guard(settings.private_networks)
    if settings.upstream_client == "httpx":
        from gateway.dataplane.upstreams.httpx_client import HttpxUpstream

        return HttpxUpstream(guard)
    return AsyncioUpstream(guard)


def create_spans(settings: Settings) -> Spans | None:
    """Return the exporter of traces, None without an address for them."""
    if not settings.otlp_url:
        return None
    try:
        from gateway.dataplane.spans import Spans
    except ImportError as error:
        raise SettingError("GATEHOUSE_OTLP_URL needs the extra: pip install 'gatehouse[otel]'") from error
    return Spans(settings.otlp_url, node=settings.node, worker=settings.worker)


async def run_worker(settings: Settings, listening: socket.socket, control: socket.socket, spans: Spans | None) -> None:
    """Serve until SIGTERM, a drain or the node's end; calls under way get GATEHOUSE_DRAIN_SECONDS."""
    spool = Spool(
        settings.spool_dir,
        settings.worker,
        fsync_seconds=settings.spool_fsync_seconds,
        max_bytes=settings.spool_max_bytes,
    )
    allowance = Allowance(settings.redis_url, worker_id=f"{settings.node}/{settings.worker}")
    verdicts = Verdicts(allowance.redis)
    access_log = None if settings.access_log == "off" else AccessLog(settings.access_log)
    upstream = create_upstream(settings)
    runtime = Runtime(
        settings=settings,
        live=LiveState(Sealer(settings.master_key), max_age_seconds=settings.state_max_age_seconds),
        upstream=upstream,
        signer=Signer.derive(settings.master_key, settings.gateway_url),
        key_sets=KeySets(upstream),
        allowance=allowance,
        spool=spool,
        verdicts=verdicts,
        keys=Keys.derive(settings.master_key),
        access_log=access_log,
        spans=spans,
        handlers={"rest": proxy.serve_rest, "prompt": prompts.serve_prompt, "model": ai.serve_model},
    )
    for part in (spool, allowance, verdicts):
        part.start()
    if access_log is not None:
        access_log.start()
    server = Server(create_app(runtime), refusal_of(runtime), drain_seconds=settings.drain_seconds)

    def stop(reason: str) -> None:
        log.warning("event=stopping worker=%s reason=%s", settings.worker, reason)
        runtime.live.is_draining = True
        server.stop()

    runtime.metrics.loop_lag = server.take_loop_lag
    series = partial(runtime.metrics.series, runtime)
    control_link = ControlLink(runtime.live, worker=settings.worker, on_end=stop, series=series)
    link = asyncio.create_task(control_link.run(control))
    try:
        await server.run(listening)
    finally:
        link.cancel()
        await runtime.upstream.aclose()
        await verdicts.close()
        await allowance.close()
        await spool.close()
        if access_log is not None:
            await access_log.close()


if __name__ == "__main__":
    sys.exit(main())
