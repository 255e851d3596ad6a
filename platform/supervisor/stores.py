"""The two stores of one start: at the addresses that were given, else embedded under GATEHOUSE_HOME."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from supervisor.binaries import find_postgres, find_valkey
from supervisor.home import Home
from supervisor.options import Options
from supervisor.ports import kept_port
from supervisor.postgres import Postgres, running_server
from supervisor.valkey import Valkey

PORTS = "ports.json"


@dataclass(frozen=True, slots=True)
class Stores:
    """Where the data is; `postgres` and `valkey` are None when theirs is someone else's server."""

    database_url: str
    redis_url: str
    postgres: Postgres | None
    valkey: Valkey | None

    @property
    def sentence(self) -> str:
        """Say which stores are used, without their passwords."""
        parts = []
        for label, server, url in (
            ("PostgreSQL", self.postgres, self.database_url),
            ("Valkey", self.valkey, self.redis_url),
        ):
            if server is None:
                address = urlsplit(url)
                parts.append(f"{label} at {address.hostname}:{address.port or 'its usual port'}")
            else:
                parts.append(f"{label} {server.server.version_text} (embedded, {server.server.source})")
        return ", ".join(parts)


def choose_stores(options: Options, home: Home) -> Stores:
    """Apply the order: given address, server on the machine, wheel."""
    database = cache = None
    if not options.database_url:
        database = embedded_postgres(options, home)
    if not options.redis_url:
        cache = Valkey(
            find_valkey(options.stores),
            home.path / "valkey",
            kept_port("valkey", home.run / PORTS),
            home.password("valkey.password"),
        )
    return Stores(
        options.database_url or (database.url if database else ""),
        options.redis_url or (cache.url if cache else ""),
        database,
        cache,
    )


def embedded_postgres(options: Options, home: Home) -> Postgres:
    """Return the embedded database: at the port it listens on when it runs already, else at the one kept for it."""
    data = home.path / "postgres"
    _, port = running_server(data)
    return Postgres(
        find_postgres(options.stores, major=made_by(data)),
        data,
        port or kept_port("postgres", home.run / PORTS),
        home.password("postgres.password"),
    )


def made_by(data: Path) -> int | None:
    """Return the major version that made a data folder: only the same one may open it."""
    try:
        return int((data / "PG_VERSION").read_text().strip().split(".")[0])
    except (OSError, ValueError):
        return None
