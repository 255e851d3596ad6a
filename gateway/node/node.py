"""One node: reads the changelog, keeps the state file, runs the workers, ships the spool, reports."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Coroutine, Iterable, Iterator
from typing import Any

import psycopg
from psycopg import AsyncConnection

from gateway.node import changelog
from gateway.node.exporter import Exporter, add_up
from gateway.node.links import WorkerLink, listen_on
from gateway.node.reporter import NodeReport, Reporter
from gateway.node.settings import NodeSettings
from gateway.node.shipper import Shipper
from gateway.node.state import NodeState, RawChange, StateFile, as_json

log = logging.getLogger("gatehouse.node")

POLL_SECONDS = 0.25
BOOT_SECONDS = 5.0
RECONNECT_SECONDS = 0.5
# Without news for this long the state counts as stale: several polls and a reconnect have failed.
STALE_SECONDS = 5.0
SAVE_SECONDS = 1.0
# An unchanged state is written anew this often, so that its file tells how fresh it is.
RESAVE_SECONDS = 60.0
# Beyond its calls' own time a worker gets this long to write down what it has.
TIDY_SECONDS = 3.0
READY_SECONDS = 60.0
# A worker takes the whole state in parts of this many changes.
PART_CHANGES = 2000


class Node:
    """The parts of one node and what they share: the state."""

    def __init__(self, settings: NodeSettings) -> None:
        self.settings = settings
        self.state = NodeState()
        self._file = StateFile(settings.state_path, settings.master_key)
        self._listening = listen_on(settings.bind, settings.port)
        self._rolls = 0
        self.links = self._make_links()
        self._running: set[asyncio.Task[None]] = set()
        self._shipper = Shipper(settings.spool_dir, settings.name, settings.database_url)
        self._reporter = Reporter(settings.database_url)
        self._exporter = Exporter(self.series)
        self._former: dict[str, float] = {}
        self._skew_seconds = 0.0
        self._first_answer = asyncio.Event()
        self._saved_generation = -1
        self._saved_at = 0.0

    @property
    def port(self) -> int:
        """Return the port that is listened on."""
        return int(self._listening.getsockname()[1])

    @property
    def is_stale(self) -> bool:
        """Say whether the database has not been heard for too long."""
        return self.state.age_seconds > STALE_SECONDS

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set, then drain, ship and go."""
        reading = asyncio.create_task(self._read_for_ever())
        if self.settings.metrics_bind:
            host, _, port = self.settings.metrics_bind.rpartition(":")
            await self._exporter.start(host.strip("[]"), int(port))
        await self._boot()
        parts: list[Coroutine[Any, Any, None]] = [self._shipper.run(), self._beat(), self._report_for_ever()]
        self._start(self.links)
        tasks = [asyncio.create_task(part) for part in parts]
        log.warning("event=serving node=%s port=%d workers=%d", self.settings.name, self.port, len(self.links))
        await stop.wait()
        await asyncio.gather(*(link.stop(self._stop_seconds) for link in self.links))
        for task in (reading, *tasks, *self._running):
            task.cancel()
        await asyncio.gather(reading, *tasks, *self._running, return_exceptions=True)
        await self._leave()

    @property
    def _stop_seconds(self) -> float:
        return self.settings.drain_seconds + TIDY_SECONDS

    def _make_links(self) -> list[WorkerLink]:
        suffix = f"r{self._rolls}" if self._rolls else ""
        names = [f"w{number}{suffix}" for number in range(1, self.settings.workers + 1)]
        return [WorkerLink(name, self._listening, self._whole) for name in names]

    def _start(self, links: Iterable[WorkerLink]) -> None:
        for link in links:
            task = asyncio.create_task(link.run(), name=f"worker {link.name}")
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def roll(self) -> None:
        """Replace every worker without a call lost: new ones first, on the same socket; then the old ones drain.

        New workers that do not come up are stopped again, and the old ones go on.
        """
        self._rolls += 1
        old, new = self.links, self._make_links()
        log.warning("event=rolling node=%s from=%s to=%s", self.settings.name, old[0].name, new[0].name)
        self._start(new)
        self.links = [*old, *new]
        until = time.monotonic() + READY_SECONDS
        while not all(link.generation >= self.state.generation and link.is_running for link in new):
            if time.monotonic() > until:
                log.error("event=roll_failed node=%s reason='the new workers did not come up'", self.settings.name)
                await asyncio.gather(*(link.stop(TIDY_SECONDS) for link in new))
                self.links = old
                return
            await asyncio.sleep(0.05)
        self.links = new
        await asyncio.gather(*(link.stop(self._stop_seconds) for link in old))
        self._former = add_up((self._former, *(link.former for link in old)))
        log.warning("event=rolled node=%s", self.settings.name)

    def series(self) -> dict[str, float]:
        """Return the metrics of all workers, those that have ended included, and the node's own."""
        links = self.links
        workers = add_up((self._former, *(part for link in links for part in (link.former, link.series))))
        return {
            **workers,
            "gatehouse_spool_bytes": self._shipper.spool_bytes,
            "gatehouse_spool_age_seconds": self._shipper.spool_age_seconds,
            "gatehouse_state_age_seconds": self.state.age_seconds,
            "gatehouse_state_generation": self.state.generation,
            "gatehouse_clock_skew_seconds": self._skew_seconds,
            "gatehouse_workers": sum(link.is_running for link in links),
        }

    async def _leave(self) -> None:
        self._listening.close()
        await self._exporter.close()
        if self.state.is_loaded:
            self._save()
        with contextlib.suppress(psycopg.Error, OSError, TimeoutError):
            async with asyncio.timeout(2):
                await self._shipper.ship()
        await self._reporter.forget(self.settings.name)
        await self._shipper.close()
        await self._reporter.close()

    async def _boot(self) -> None:
        """Ask the database first; when it does not answer in time, start from disk."""
        try:
            await asyncio.wait_for(self._first_answer.wait(), BOOT_SECONDS)
            return
        except TimeoutError:
            found = self._file.load()
        if found is None:
            log.error("event=no_state reason='the database does not answer and there is no state file'")
            return
        log.warning("event=started_from_disk generation=%d age_seconds=%.0f", found.generation, found.age_seconds)
        if not self.state.is_loaded:
            self._replace(found)

    async def _read_for_ever(self) -> None:
        while True:
            try:
                connection = await changelog.connect(self.settings.database_url)
                async with connection:
                    await self._follow(connection)
            except (psycopg.Error, OSError) as error:
                log.warning("event=changelog_away reason=%r", str(error).strip())
                await asyncio.sleep(RECONNECT_SECONDS)

    async def _follow(self, connection: AsyncConnection[Any]) -> None:
        """Take what is new, then wait for a notification or a quarter of a second."""
        while True:
            counter = await changelog.read_counter(connection)
            if changelog.must_load(self.state, counter):
                self._replace(await changelog.load_whole(connection))
            elif counter.generation > self.state.generation:
                for generation, changes in await changelog.read_newer(connection, self.state.generation):
                    self._advance(generation, changes)
            self.state.confirmed_at = time.time()
            self._first_answer.set()
            async for _ in connection.notifies(timeout=POLL_SECONDS, stop_after=1):
                pass

    def _replace(self, state: NodeState) -> None:
        state.confirmed_at = state.confirmed_at or time.time()
        self.state = state
        for message in self._whole():
            for link in self.links:
                link.send(message)

    def _advance(self, generation: int, changes: list[RawChange]) -> None:
        self.state.apply(generation, changes)
        message = {"type": "delta", "generation": generation, "changes": as_json(changes)}
        for link in self.links:
            link.send(message)

    def _whole(self) -> Iterator[dict[str, Any]]:
        """Yield the messages that give a worker everything, none while there is nothing."""
        if not self.state.is_loaded:
            return
        changes = self.state.changes()
        head = {"type": "load", "epoch": self.state.epoch, "generation": self.state.generation}
        freshness = {"is_stale": self.is_stale, "age_seconds": self.state.age_seconds}
        for start in range(0, max(1, len(changes)), PART_CHANGES):
            part = as_json(changes[start : start + PART_CHANGES])
            more = start + PART_CHANGES < len(changes)
            yield {**(head if start == 0 else {"type": "part"}), **freshness, "changes": part, "more": more}

    async def _beat(self) -> None:
        """Once a second: tell the workers how fresh the state is, and keep the file."""
        while True:
            await asyncio.sleep(SAVE_SECONDS)
            if not self.state.is_loaded:
                continue
            age = self.state.age_seconds
            for link in self.links:
                link.send({"type": "freshness", "is_stale": self.is_stale, "age_seconds": age})
            is_due = time.monotonic() - self._saved_at > RESAVE_SECONDS
            if self.state.generation != self._saved_generation or (is_due and not self.is_stale):
                self._save()

    def _save(self) -> None:
        try:
            self._file.save(self.state)
        except OSError as error:
            log.error("event=state_not_saved reason=%r", error.strerror)
            return
        self._saved_generation, self._saved_at = self.state.generation, time.monotonic()

    async def _report_for_ever(self) -> None:
        """Report each second and whenever a worker has applied something."""
        while True:
            spool = await asyncio.to_thread(lambda: (self._shipper.spool_bytes, self._shipper.spool_age_seconds))
            report = NodeReport(self.settings.name, self.state.epoch, self.is_stale, *spool)
            self._skew_seconds = await self._reporter.report(report, self.links)
            await _first_of([link.changed.wait() for link in self.links], limit_seconds=1.0)
            for link in self.links:
                link.changed.clear()


async def _first_of(waits: list[Awaitable[Any]], *, limit_seconds: float) -> None:
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    await asyncio.wait(tasks, timeout=limit_seconds, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
