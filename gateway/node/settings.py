"""What a node is told by its environment, beside what its workers read for themselves."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gateway.dataplane.settings import SettingError, Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSettings:
    """The settings of one gateway node."""

    home: Path
    name: str
    master_key: bytes = field(repr=False)
    database_url: str = field(repr=False)
    bind: str = "127.0.0.1"
    port: int = 8080
    workers: int = 2
    drain_seconds: float = 30.0
    # Where the metrics are served; "" does not serve them.
    metrics_bind: str = ""

    @property
    def state_path(self) -> Path:
        """Return the file of the last good state."""
        return self.home / "state" / f"{self.name}.state"

    @property
    def spool_dir(self) -> Path:
        """Return where the workers' segments lie."""
        return self.home / "spool" / self.name

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> NodeSettings:
        """Read the settings; raise SettingError that names the variable and what it should be."""
        env = os.environ if env is None else env
        shared = Settings.from_env(env)
        database_url = env.get("DATABASE_URL", "")
        if not database_url.startswith(("postgresql://", "postgres://")):
            raise SettingError("DATABASE_URL must be set to a postgresql:// address")
        return cls(
            home=shared.home,
            name=shared.node,
            master_key=shared.master_key,
            database_url=database_url,
            bind=env.get("GATEHOUSE_BIND") or "127.0.0.1",
            port=_whole(env, "GATEHOUSE_GATEWAY_PORT", 8080, 0, 65_535),
            drain_seconds=shared.drain_seconds,
            metrics_bind=_address(env, "GATEHOUSE_METRICS_BIND"),
            workers=_whole(env, "GATEHOUSE_GATEWAY_WORKERS", 2, 1, 64),
        )


def _whole(env: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    text = env.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        raise SettingError(f"{name} must be a whole number from {least} to {most}, not {text!r}")
    return int(text)


def _address(env: Mapping[str, str], name: str) -> str:
    text = env.get(name) or ""
    host, _, port = text.rpartition(":")
    if text and (not host or not port.isdigit() or int(port) > 65_535):
        raise SettingError(f"{name} must be an address such as 127.0.0.1:9464, not {text!r}")
    return text
