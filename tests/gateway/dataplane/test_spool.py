"""The spool: what is written is read, what is damaged is told, what dies leaves its records."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.dataplane.calls import Finished, Started, new_call_id
from gateway.dataplane.errors import SpoolFull
from gateway.dataplane.spool import SegmentDamaged, Spool, is_writer_alive, read_segment

ROOT = Path(__file__).resolve().parents[3]


def started(**fields: object) -> Started:
    return Started(**{"id": str(new_call_id()), "attempt": 1, "at": time.time(), **fields})  # type: ignore[arg-type]


def finished(**fields: object) -> Finished:
    return Finished(**{"id": str(new_call_id()), "attempt": 1, "at": time.time(), **fields})  # type: ignore[arg-type]


def segments(folder: Path, suffix: str = "sealed") -> list[Path]:
    return sorted(folder.glob(f"*.{suffix}"))


def collect(segment: Path, into: list[object]) -> None:
    for record in read_segment(segment):
        into.append(record)


def fill(spool: Spool) -> None:
    for _ in range(1000):
        spool.append(started())


def test_both_records_of_a_call_come_back_as_they_were(tmp_path: Path) -> None:
    begin, end = started(path="/orders/é", reserved_nano=2**60), finished(status=200, cost_nano=2**60, is_streamed=True)

    async def write() -> None:
        spool = Spool(tmp_path, "w1")
        spool.append(begin)
        spool.append(end)
        await spool.close()

    asyncio.run(write())
    (segment,) = segments(tmp_path)
    assert segment.name.startswith("w1-") and segment.name.endswith("-00000001.sealed")
    assert list(read_segment(segment)) == [
        {"type": "started", **asdict(begin)},
        {"type": "finished", **asdict(end)},
    ]


def test_a_segment_is_sealed_each_second_and_an_empty_second_makes_none(tmp_path: Path) -> None:
    async def write() -> None:
        spool = Spool(tmp_path, "w1")
        spool.start()
        spool.append(started())
        for _ in range(100):
            if segments(tmp_path):
                break
            await asyncio.sleep(0.05)
        assert len(segments(tmp_path)) == 1
        assert segments(tmp_path, "open") == []
        await spool.close()

    asyncio.run(write())
    assert len(segments(tmp_path)) == 1


def test_a_full_segment_is_sealed_without_waiting(tmp_path: Path) -> None:
    async def write() -> None:
        spool = Spool(tmp_path, "w1")
        for _ in range(45):
            spool.append(started(path="x" * 100_000))
        assert len(segments(tmp_path)) == 1
        await spool.close()

    asyncio.run(write())
    assert sum(1 for path in segments(tmp_path) for _ in read_segment(path)) == 45


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_damage_never_hides_the_records_before_it_and_is_always_told(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("spool")

    async def write() -> None:
        spool = Spool(folder, "w1")
        for number in range(4):
            spool.append(started(id="0" * 36, at=0.0, path=f"/{number}"))
        await spool.close()

    asyncio.run(write())
    (segment,) = segments(folder)
    raw = bytearray(segment.read_bytes())
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= data.draw(st.integers(1, 255))
    segment.write_bytes(raw)
    good: list[dict[str, object]] = []
    with pytest.raises(SegmentDamaged) as caught:
        collect(segment, good)  # type: ignore[arg-type]
    damage = caught.value.damages[0]
    assert damage.offset <= place < damage.offset + len(damage.raw)
    intact_before = place // (len(raw) // 4)
    assert [record["path"] for record in good][:intact_before] == [f"/{n}" for n in range(intact_before)]
    assert len(good) <= 3


def test_a_cut_off_tail_is_told_after_the_good_records(tmp_path: Path) -> None:
    async def write() -> None:
        spool = Spool(tmp_path, "w1")
        spool.append(started())
        spool.append(started())
        await spool.close()

    asyncio.run(write())
    (segment,) = segments(tmp_path)
    segment.write_bytes(segment.read_bytes()[:-3])
    good: list[object] = []
    with pytest.raises(SegmentDamaged) as caught:
        collect(segment, good)
    assert len(good) == 1
    assert [damage.reason for damage in caught.value.damages] == ["cut off"]


def test_a_wrong_checksum_in_the_middle_does_not_stop_the_segment(tmp_path: Path) -> None:
    async def write() -> None:
        spool = Spool(tmp_path, "w1")
        for number in range(3):
            spool.append(started(path=f"/{number}"))
        await spool.close()

    asyncio.run(write())
    (segment,) = segments(tmp_path)
    segment.write_bytes(segment.read_bytes().replace(b'"/1"', b'"/9"'))
    good: list[object] = []
    with pytest.raises(SegmentDamaged):
        collect(segment, good)
    assert [record["path"] for record in good] == ["/0", "/2"]  # type: ignore[index]


def test_at_its_size_new_calls_are_refused_and_calls_under_way_can_still_end(tmp_path: Path) -> None:
    async def write() -> None:
        spool = Spool(tmp_path, "w1", max_bytes=20_000)
        with pytest.raises(SpoolFull) as caught:
            fill(spool)
        assert caught.value.status == 503
        assert (b"retry-after", b"10") in caught.value.headers
        assert spool.unrecorded == 1
        with pytest.raises(SpoolFull):
            spool.append(finished(attempt=0))
        spool.append(finished(attempt=1))
        await spool.close()

    asyncio.run(write())
    records = [record for path in segments(tmp_path) for record in read_segment(path)]
    assert records[-1]["type"] == "finished"


def test_a_write_that_fails_half_way_leaves_no_torn_record(tmp_path: Path) -> None:
    script = textwrap.dedent(
        """
        import asyncio, resource, signal, sys, time
        from pathlib import Path
        from gateway.dataplane.calls import Started
        from gateway.dataplane.errors import SpoolFull
        from gateway.dataplane.spool import Spool
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        async def main():
            spool = Spool(Path(sys.argv[1]), "w1")
            spool.append(Started("one", 1, time.time()))
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
            try:
                spool.append(Started("two", 1, time.time(), path="x" * 2000))
            except SpoolFull:
                assert not spool.is_writable
            else:
                raise SystemExit("not refused")
            await spool.close()
        asyncio.run(main())
        """
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert [record["id"] for path in segments(tmp_path) for record in read_segment(path)] == ["one"]


def test_killed_with_9_the_open_segment_keeps_every_record_and_its_writer_counts_as_gone(tmp_path: Path) -> None:
    script = textwrap.dedent(
        """
        import sys, time
        from pathlib import Path
        from gateway.dataplane.calls import Started
        from gateway.dataplane.spool import Spool
        spool = Spool(Path(sys.argv[1]), "w1")
        for number in range(100):
            spool.append(Started(str(number), 1, time.time()))
        print("written", flush=True)
        time.sleep(60)
        """
    )
    child = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE)
    with child:
        assert child.stdout is not None and child.stdout.readline() == b"written\n"
        (segment,) = segments(tmp_path, "open")
        assert is_writer_alive(segment)
        os.kill(child.pid, signal.SIGKILL)
    assert not is_writer_alive(segment)
    assert [record["id"] for record in read_segment(segment)] == [str(number) for number in range(100)]


def test_refusals_before_authentication_become_one_record_per_minute_and_code(tmp_path: Path) -> None:
    async def write() -> None:
        spool = Spool(tmp_path, "w1")
        for _ in range(500):
            spool.count_refusal(code="key-missing", version_id="ver_a", at=6059.9)
        spool.count_refusal(code="key-missing", version_id="ver_a", at=6060.0)
        spool.flush_refused(before_minute=101)
        await spool.close()

    asyncio.run(write())
    records = [record for path in segments(tmp_path) for record in read_segment(path)]
    assert [(r["type"], r["minute"], r["code"], r["version_id"], r["count"]) for r in records] == [
        ("refused", 100, "key-missing", "ver_a", 500),
        ("refused", 101, "key-missing", "ver_a", 1),
    ]
