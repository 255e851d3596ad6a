"""Reads the changelog: everything once, then what is newer than the node's own generation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import psycopg
from psycopg import AsyncConnection, IsolationLevel

from gateway.node.state import NodeState, RawChange

CHANNEL = "gatehouse_changes"
KEEPALIVE: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
    "application_name": "gatehouse-node",
}
# The newest row of each key. By generation, not by id: a long transaction writes early and commits late.
WHOLE = """
    SELECT kind, key, payload::text FROM (
        SELECT DISTINCT ON (kind, key) kind, key, payload FROM gateway_change
        WHERE generation IS NOT NULL ORDER BY kind, key, generation DESC, id DESC
    ) AS newest WHERE payload IS NOT NULL
"""
NEWER = """
    SELECT generation, kind, key, payload::text FROM gateway_change
    WHERE generation > %s ORDER BY generation, id
"""


@dataclass(frozen=True, slots=True)
class Counter:
    """Where the database stands."""

    epoch: str
    generation: int
    horizon: int


async def connect(database_url: str) -> AsyncConnection[Any]:
    """Open the node's own direct connection, listening, with keepalives that notice a dead server in seconds."""
    connection = await psycopg.AsyncConnection.connect(database_url, autocommit=True, **KEEPALIVE)
    await connection.execute(f"LISTEN {CHANNEL}")
    return connection


async def read_counter(connection: AsyncConnection[Any]) -> Counter:
    """Return the database's epoch, generation and compaction horizon."""
    cursor = await connection.execute("SELECT epoch::text, generation, horizon FROM gateway_counter")
    row = await cursor.fetchone()
    if row is None:
        raise psycopg.DataError("gateway_counter has no row: run the migrations")
    return Counter(*row)


def must_load(state: NodeState, counter: Counter) -> bool:
    """Say whether a delta cannot lead from the node's state to the database's."""
    return state.epoch != counter.epoch or state.generation > counter.generation or state.generation < counter.horizon


async def load_whole(connection: AsyncConnection[Any]) -> NodeState:
    """Return the whole state as of one moment."""
    await connection.set_isolation_level(IsolationLevel.REPEATABLE_READ)
    try:
        async with connection.transaction():
            counter = await read_counter(connection)
            cursor = await connection.execute(WHOLE)
            state = NodeState(counter.epoch)
            state.apply(counter.generation, await cursor.fetchall())
    finally:
        await connection.set_isolation_level(None)
    return state


async def read_newer(connection: AsyncConnection[Any], generation: int) -> Iterator[tuple[int, list[RawChange]]]:
    """Return the generations after the given one, each with its changes."""
    cursor = await connection.execute(NEWER, [generation])
    rows = await cursor.fetchall()
    return (
        (number, [(kind, key, payload) for _, kind, key, payload in group])
        for number, group in groupby(rows, key=lambda row: int(row[0]))
    )
