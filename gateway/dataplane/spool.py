"""The spool: each call's records on local disk, one unbuffered write each, sealed every second for the shipper.

A segment is `{worker}-{boot_ms}-{seq:08d}.open`, renamed `.sealed` when the writer is done with it. A record is a
4-byte big-endian length, a 4-byte CRC-32 of the payload and the payload (JSON). The writer holds an flock on
`{worker}-{boot_ms}.alive` for as long as it lives, so that `.open` segments without a writer can be told apart.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from errno import ENOSPC
from pathlib import Path
from struct import Struct
from typing import Any

import orjson

from gateway.dataplane.calls import Finished, Started, new_call_id, to_json
from gateway.dataplane.errors import SpoolFull

log = logging.getLogger("gatehouse.spool")

HEAD = Struct(">II")
SEAL_SECONDS = 1.0
SEGMENT_BYTES = 4 * 1024 * 1024
RECORD_BYTES = 1024 * 1024
# A spool with less room than this takes no call: what it says of itself and what it does shall be one.
ROOM_BYTES = 4096
CONTROLS = bytes(range(32))
# A call under way must still be able to tell its end when the cap is reached; new calls are refused before.
RESERVE_SHARE = 0.1
# Held on the disk itself for the same reason: a record is about a kilobyte.
RESERVE_BYTES = 512 * 1024
RETRY_AFTER = (b"retry-after", b"10")


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes of a segment that are no record: where, why, and the bytes themselves for the quarantine."""

    offset: int
    reason: str
    raw: bytes


class SegmentDamaged(ValueError):
    """Raised after the last good record of a segment that also holds damaged bytes."""

    def __init__(self, path: Path, damages: list[Damage]) -> None:
        super().__init__(
            f"{path.name}: {damages[0].reason} at byte {damages[0].offset}, {len(damages)} place(s) in all"
        )
        self.path = path
        self.damages = damages


def read_segment(path: Path) -> Iterator[dict[str, Any]]:
    """Yield every good record of a segment; raise SegmentDamaged at the end when some bytes were none."""
    damages: list[Damage] = []
    for offset, payload, damage in _pieces(path.read_bytes()):
        if damage is not None:
            damages.append(damage)
            continue
        try:
            record = orjson.loads(payload)
        except orjson.JSONDecodeError:
            record = None
        if isinstance(record, dict):
            yield record
        else:
            damages.append(Damage(offset, "not a JSON object", payload))
    if damages:
        raise SegmentDamaged(path, damages)


def read_payloads(path: Path) -> tuple[list[bytes], list[Damage]]:
    """Return the records of a segment as they were written, and what is damaged; the ledger judges what they say.

    They are not parsed one by one: a good checksum says that a writer of ours made them. Bytes that no writer of ours
    makes send the whole segment through the parser.
    """
    payloads, damages = [], []
    for _, payload, damage in _pieces(path.read_bytes()):
        if damage is None:
            payloads.append(payload)
        else:
            damages.append(damage)
    if _is_plain(b"".join(payloads)):
        return payloads, damages
    records: list[bytes] = []
    try:
        records.extend(orjson.dumps(record) for record in read_segment(path))
    except SegmentDamaged as error:
        return records, error.damages
    return records, damages


def _is_plain(text: bytes) -> bool:
    """Say whether this is UTF-8 without control characters, as JSON in one line is."""
    if not text.isascii():
        try:
            text.decode()
        except UnicodeDecodeError:
            return False
    return text.translate(None, CONTROLS) == text


def _pieces(data: bytes) -> Iterator[tuple[int, bytes, Damage | None]]:
    """Yield where each record begins, and its payload or what is wrong with it."""
    offset = 0
    while offset < len(data):
        start = offset + HEAD.size
        if start > len(data):
            yield offset, b"", Damage(offset, "cut off", data[offset:])
            return
        length, checksum = HEAD.unpack_from(data, offset)
        # Without a believable length the next record cannot be found.
        if not 0 < length <= RECORD_BYTES:
            yield offset, b"", Damage(offset, f"impossible length {length}", data[offset:])
            return
        end = start + length
        if end > len(data):
            yield offset, b"", Damage(offset, "cut off", data[offset:])
            return
        payload = data[start:end]
        is_good = zlib.crc32(payload) == checksum
        yield offset, payload, None if is_good else Damage(offset, "wrong checksum", data[offset:end])
        offset = end


def alive_path(segment: Path) -> Path:
    """Return the lock file of the writer that made a segment."""
    return segment.with_name(f"{segment.name.rsplit('-', 1)[0]}.alive")


def is_writer_alive(segment: Path) -> bool:
    """Say whether the writer of an `.open` segment still runs (its lock is held)."""
    try:
        handle = os.open(alive_path(segment), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


class _Reserve:
    """Room on the disk that is given up when it is full, so that calls under way can still tell their end."""

    def __init__(self, path: Path) -> None:
        self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._is_held = False
        self.take()

    def take(self) -> bool:
        """Hold the room; say whether it is held."""
        if not self._is_held:
            try:
                if hasattr(os, "posix_fallocate"):
                    os.posix_fallocate(self._handle, 0, RESERVE_BYTES)
                else:
                    os.pwrite(self._handle, bytes(RESERVE_BYTES), 0)
                self._is_held = True
            except OSError:
                os.ftruncate(self._handle, 0)
        return self._is_held

    def give(self) -> bool:
        """Give the room up; say whether there was some."""
        was_held, self._is_held = self._is_held, False
        if was_held:
            os.ftruncate(self._handle, 0)
        return was_held

    def close(self) -> None:
        """Let go of the file; it stays for the next worker of this name."""
        os.close(self._handle)


class Spool:
    """The writer of one worker. Not for threads: `append` and the sealing task share one event loop."""

    def __init__(self, directory: Path, worker: str, *, fsync_seconds: float = 1.0, max_bytes: int = 1 << 30) -> None:
        self.directory = directory
        self.unrecorded = 0
        self._fsync_seconds = fsync_seconds
        self._max_bytes = max_bytes
        self._segment: _Segment | None = None
        self._unsynced: list[int] = []
        self._sequence = 0
        self._is_failing = False
        self._refused: dict[tuple[int, str, str], int] = {}
        self._task: asyncio.Task[None] | None = None
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._prefix = f"{worker}-{time.time_ns() // 1_000_000}"
        self._alive = directory / f"{self._prefix}.alive"
        self._lock = _hold(self._alive)
        self._bytes = _measure(directory)
        # Beside the segments, by the worker's name: whoever takes its place takes it over.
        self._reserve = _Reserve(directory.with_name(f"{directory.name}.{worker}.reserve"))

    @property
    def size_bytes(self) -> int:
        """Return what the node's spool takes on disk, all workers together, as of the last second."""
        return self._bytes

    @property
    def is_writable(self) -> bool:
        """Say whether a new call could be recorded now."""
        return not self._is_failing and self._bytes + ROOM_BYTES <= self._max_bytes

    def start(self) -> None:
        """Start the task that seals and syncs."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name="spool")

    async def close(self) -> None:
        """Stop the task, write the counts, seal what is open, let the lock go."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        self.flush_refused(before_minute=None)
        self._seal()
        await asyncio.to_thread(self._sync, self._take_unsynced(), None)
        self._alive.unlink(missing_ok=True)
        os.close(self._lock)
        self._reserve.close()

    def append(self, call: Started | Finished) -> None:
        """Write one record; raise SpoolFull when it cannot be kept. A call under way may use a reserve of space."""
        is_under_way = isinstance(call, Finished) and call.attempt > 0
        self._write(to_json(call), may_use_reserve=is_under_way)

    def count_refusal(self, *, code: str, version_id: str, at: float) -> None:
        """Count a refusal before authentication; written as one record per code and version once its minute is over."""
        key = (int(at // 60), code, version_id)
        self._refused[key] = self._refused.get(key, 0) + 1

    def flush_refused(self, *, before_minute: int | None) -> None:
        """Write the counts of the minutes before this one, of all when None."""
        for key in [key for key in self._refused if before_minute is None or key[0] < before_minute]:
            minute, code, version_id = key
            record = {
                "type": "refused",
                "id": str(new_call_id()),
                "minute": minute,
                "code": code,
                "version_id": version_id,
                "count": self._refused.pop(key),
            }
            with contextlib.suppress(SpoolFull):
                self._write(orjson.dumps(record), may_use_reserve=False)

    def _write(self, payload: bytes, *, may_use_reserve: bool) -> None:
        cap = self._max_bytes * (1 + RESERVE_SHARE) if may_use_reserve else self._max_bytes
        record = HEAD.pack(len(payload), zlib.crc32(payload)) + payload
        if self._bytes + max(len(record), ROOM_BYTES) > cap:
            self._refuse("the spool has reached its size")
        if not may_use_reserve and not self._reserve.take():
            self._is_failing = True
            self._refuse("the disk is full")
        try:
            segment = self._put(record)
        except OSError as error:
            self._is_failing = True
            self._drop_torn()
            if not (may_use_reserve and error.errno == ENOSPC and self._reserve.give()):
                self._refuse(f"the spool cannot be written: {error.strerror}")
            self._write(payload, may_use_reserve=True)
            self._is_failing = True
            return
        self._is_failing = False
        self._bytes += len(record)
        if segment.size >= SEGMENT_BYTES:
            self._seal()

    def _put(self, record: bytes) -> _Segment:
        segment = self._segment or self._open()
        segment.write(record)
        if self._fsync_seconds == 0:
            os.fsync(segment.handle)
        return segment

    def _refuse(self, reason: str) -> None:
        self.unrecorded += 1
        log.error("event=spool_full reason=%r bytes=%d unrecorded=%d", reason, self._bytes, self.unrecorded)
        raise SpoolFull(
            "This gateway cannot record calls now, so it takes none. Try again in 10 s.", headers=[RETRY_AFTER]
        )

    def _open(self) -> _Segment:
        self._sequence += 1
        path = self.directory / f"{self._prefix}-{self._sequence:08d}.open"
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._segment = _Segment(path, handle)
        return self._segment

    def _drop_torn(self) -> None:
        """Cut a half-written record off; a segment that cannot be cut is sealed as it is, its reader skips the tail."""
        segment = self._segment
        if segment is None:
            return
        try:
            os.ftruncate(segment.handle, segment.size)
        except OSError:
            with contextlib.suppress(OSError):
                self._seal()

    def _seal(self) -> None:
        segment = self._segment
        if segment is None:
            return
        self._segment = None
        self._unsynced.append(segment.handle)
        os.rename(segment.path, segment.path.with_suffix(".sealed"))

    def _take_unsynced(self) -> list[int]:
        handles, self._unsynced = self._unsynced, []
        return handles

    async def _run(self) -> None:
        tick = min(SEAL_SECONDS, self._fsync_seconds or SEAL_SECONDS)
        loop = asyncio.get_running_loop()
        sealed_at = synced_at = loop.time()
        while True:
            await asyncio.sleep(tick)
            now = loop.time()
            # A tick may come a hair early; a missed one would double the interval.
            if now - sealed_at >= SEAL_SECONDS * 0.9:
                sealed_at = now
                await self._tidy()
            if self._fsync_seconds == 0 or now - synced_at >= self._fsync_seconds * 0.9:
                synced_at = now
                current = os.dup(self._segment.handle) if self._segment else None
                await asyncio.to_thread(self._sync, self._take_unsynced(), current)

    async def _tidy(self) -> None:
        """Seal, write the counts of past minutes, measure the folder, see whether a failing disk has recovered."""
        self.flush_refused(before_minute=int(time.time() // 60))
        try:
            self._seal()
        except OSError as error:
            log.error("event=spool_seal_failed reason=%r", error.strerror)
        self._bytes = await asyncio.to_thread(_measure, self.directory)
        if self._is_failing:
            self._is_failing = not await asyncio.to_thread(_can_write, self.directory / f"{self._prefix}.probe")

    def _sync(self, sealed: list[int], current: int | None) -> None:
        for handle in [*sealed, *([] if current is None else [current])]:
            try:
                os.fsync(handle)
            except OSError as error:
                log.error("event=spool_sync_failed reason=%r", error.strerror)
                self._is_failing = True
            finally:
                os.close(handle)
        if sealed or current is not None:
            _sync_folder(self.directory)


class _Segment:
    """One open file and how many good bytes it holds."""

    __slots__ = ("handle", "path", "size")

    def __init__(self, path: Path, handle: int) -> None:
        self.path, self.handle, self.size = path, handle, 0

    def write(self, record: bytes) -> None:
        """Write a record whole; a short write is a full disk."""
        if os.write(self.handle, record) != len(record):
            raise OSError(28, "No space left on device")
        self.size += len(record)


def _hold(path: Path) -> int:
    """Create and lock the writer's file; locked under another name first, so that nobody sees it free."""
    hidden = path.with_suffix(".locking")
    handle = os.open(hidden, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.rename(hidden, path)
    return handle


def _measure(directory: Path) -> int:
    total = 0
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.name.endswith((".open", ".sealed")):
                # The shipper may delete it between the listing and the look.
                with contextlib.suppress(FileNotFoundError):
                    total += entry.stat().st_size
    return total


def _can_write(path: Path) -> bool:
    try:
        path.write_bytes(b"\0" * 4096)
        path.unlink()
    except OSError:
        return False
    return True


def _sync_folder(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
