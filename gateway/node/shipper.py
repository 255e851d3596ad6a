"""Ships the spool: segments into the ledger, each deleted only after the commit that stored it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import psycopg
from psycopg import AsyncConnection

from gateway.dataplane.spool import is_writer_alive, read_payloads

log = logging.getLogger("gatehouse.node.shipper")

SHIP_SECONDS = 0.5
BATCH_SEGMENTS = 32
RETRY_SECONDS = 1.0
# A lone surrogate is JSON to some and an error to others: the text goes as it is, the ledger decides.
COPY = "COPY usage_staging (node, segment, payload) FROM STDIN"
QUARANTINE = """
    INSERT INTO usage_quarantine (node, segment, byte_offset, reason, raw)
    VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
"""


class Shipper:
    """One node's shipper, with a database connection of its own."""

    def __init__(self, directory: Path, node: str, database_url: str) -> None:
        self._directory = directory
        self._node = node
        self._database_url = database_url
        self._connection: AsyncConnection[Any] | None = None

    @property
    def spool_bytes(self) -> int:
        """Return the size of what waits to be shipped."""
        total = 0
        for path in self._directory.glob("*-*.*"):
            try:
                total += path.stat().st_size
            except FileNotFoundError:
                continue
        return total

    @property
    def spool_age_seconds(self) -> float:
        """Return the age of the oldest segment that waits, 0 when none does."""
        oldest = time.time()
        for path in self._directory.glob("*-*.sealed"):
            try:
                oldest = min(oldest, path.stat().st_mtime)
            except FileNotFoundError:
                continue
        return max(0.0, time.time() - oldest)

    async def run(self) -> None:
        """Ship until cancelled; while the database is away the spool waits."""
        while True:
            try:
                await self.ship()
                await asyncio.sleep(SHIP_SECONDS)
            except (psycopg.Error, OSError) as error:
                log.warning("event=ship_failed reason=%r", str(error).strip())
                await self.close()
                await asyncio.sleep(RETRY_SECONDS)

    async def ship(self) -> int:
        """Ship what is ready now; return the number of records."""
        if not self._directory.is_dir():
            return 0
        ready, gone = await asyncio.to_thread(self._look)
        total = 0
        for start in range(0, len(ready), BATCH_SEGMENTS):
            total += await self._ship_batch(ready[start : start + BATCH_SEGMENTS])
        for alive in gone:
            await self._close_writer(alive)
        return total

    def _look(self) -> tuple[list[Path], list[Path]]:
        """Return the segments that are complete, and the lock files of writers that are gone."""
        # First who is gone, then what is there: a writer that ends in between is seen in the next round.
        gone = [path for path in self._directory.glob("*.alive") if not is_writer_alive(_segment_of(path))]
        dead = {path.stem for path in gone}
        ready = [
            path
            for path in self._directory.iterdir()
            if path.suffix == ".sealed" or (path.suffix == ".open" and path.name.rsplit("-", 1)[0] in dead)
        ]
        ready += [
            path
            for path in self._directory.glob("*.open")
            if path not in ready and not (path.parent / f"{path.name.rsplit('-', 1)[0]}.alive").exists()
        ]
        return sorted(ready, key=lambda path: path.name), gone

    async def _connect(self) -> AsyncConnection[Any]:
        if self._connection is None or self._connection.closed:
            self._connection = await psycopg.AsyncConnection.connect(
                self._database_url, connect_timeout=5, application_name="gatehouse-shipper"
            )
        return self._connection

    async def _ship_batch(self, segments: list[Path]) -> int:
        read = await asyncio.to_thread(lambda: [read_payloads(path) for path in segments])
        connection = await self._connect()
        async with connection.transaction():
            async with connection.cursor() as cursor:
                async with cursor.copy(COPY) as copy:
                    for path, (payloads, _) in zip(segments, read, strict=True):
                        await copy.write(_rows(self._node, path.name, payloads))
                for path, (_, damages) in zip(segments, read, strict=True):
                    for damage in damages:
                        log.error("event=segment_damaged segment=%s reason=%r", path.name, damage.reason)
                        values = (self._node, path.name, damage.offset, damage.reason, damage.raw)
                        await cursor.execute(QUARANTINE, values)
                await cursor.execute("SELECT usage_ingest(%s)", [self._node])
        await asyncio.to_thread(_remove, segments)
        return sum(len(payloads) for payloads, _ in read)

    async def _close_writer(self, alive: Path) -> None:
        """Close what a writer that is gone had begun, once all of its segments are in the ledger."""
        if any(alive.parent.glob(f"{alive.stem}-*")):
            return
        connection = await self._connect()
        async with connection.transaction():
            cursor = await connection.execute("SELECT usage_close_interrupted(%s, %s)", [self._node, alive.stem])
            row = await cursor.fetchone()
        _remove([alive])
        log.info("event=writer_closed writer=%s interrupted=%s", alive.stem, row[0] if row else 0)

    async def close(self) -> None:
        """Give the connection back."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()


def _segment_of(alive: Path) -> Path:
    return alive.with_name(f"{alive.stem}-00000000.open")


def _rows(node: str, segment: str, payloads: list[bytes]) -> bytes:
    """Return records as rows of COPY's text format, in one piece: written row by row they cost more than all the rest.

    JSON as it was written holds no raw line break or tab; a backslash is COPY's own sign and is doubled.
    """
    head = f"{_escaped(node)}\t{_escaped(segment)}\t".encode()
    return b"".join(
        [b"%b%b\n" % (head, payload.replace(b"\\", b"\\\\").replace(b"\n", b"\\n")) for payload in payloads]
    )


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")


def _remove(segments: Iterable[Path]) -> None:
    for path in segments:
        path.unlink(missing_ok=True)
