"""What a worker is told by its environment: read once, frozen, never Django's."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

from gateway.dataplane.keys import derive_key, read_master_key

Network = IPv4Network | IPv6Network
UPSTREAM_CLIENTS = ("asyncio", "httpx")
MODES = ("development", "production")
ON_SPOOL_FULL = ("refuse", "serve")
ACCESS_LOGS = ("off", "text", "json")


class SettingError(ValueError):
    """A setting with a wrong value: it stops the start and names the variable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one gateway worker. URLs carry no trailing slash; secrets stay out of `repr`."""

    home: Path
    master_key: bytes = field(repr=False)
    node: str = "node"
    worker: str = "w1"
    redis_url: str = field(default="", repr=False)
    console_url: str = "http://127.0.0.1:8000"
    gateway_url: str = "http://127.0.0.1:8080"
    private_networks: tuple[Network, ...] = ()
    state_max_age_seconds: float = 86_400
    upstream_client: str = "asyncio"
    spool_fsync_seconds: float = 1.0
    spool_max_bytes: int = 1 << 30
    on_spool_full: str = "refuse"
    access_log: str = "off"
    otlp_url: str = ""
    tells_overhead: bool = True
    drain_seconds: float = 30.0
    mode: str = "development"
    # The name used in `Via`: the same on every worker of an installation, another on the next one.
    pseudonym: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "pseudonym", f"gatehouse-{derive_key(self.master_key, 'via').hex()[:8]}")

    @property
    def spool_dir(self) -> Path:
        """Return where this node's spool segments lie."""
        return self.home / "spool" / self.node

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None, *, worker: str = "w1") -> Settings:
        """Read the settings; raise SettingError that names the variable and what it should be."""
        env = os.environ if env is None else env
        home = Path(_required(env, "GATEHOUSE_HOME"))
        try:
            master_key = read_master_key(_required(env, "GATEHOUSE_MASTER_KEY_FILE"))
        except ValueError as error:
            raise SettingError(str(error)) from error
        return cls(
            home=home,
            master_key=master_key,
            node=env.get("GATEHOUSE_NODE_NAME") or socket.gethostname(),
            worker=worker,
            redis_url=env.get("REDIS_URL", ""),
            console_url=_url(env, "GATEHOUSE_CONSOLE_URL", "http://127.0.0.1:8000"),
            gateway_url=_url(env, "GATEHOUSE_GATEWAY_URL", "http://127.0.0.1:8080"),
            private_networks=parse_networks(env.get("GATEHOUSE_PRIVATE_NETWORKS", "")),
            state_max_age_seconds=_number(env, "GATEHOUSE_STATE_MAX_AGE", 86_400),
            upstream_client=_choice(env, "GATEHOUSE_UPSTREAM_CLIENT", UPSTREAM_CLIENTS),
            spool_fsync_seconds=_number(env, "GATEHOUSE_SPOOL_FSYNC_SECONDS", 1),
            spool_max_bytes=int(_number(env, "GATEHOUSE_SPOOL_MAX_BYTES", 1 << 30)),
            access_log=_choice(env, "GATEHOUSE_ACCESS_LOG", ACCESS_LOGS),
            otlp_url=_url(env, "GATEHOUSE_OTLP_URL", "http://") if env.get("GATEHOUSE_OTLP_URL") else "",
            tells_overhead=_choice(env, "GATEHOUSE_OVERHEAD_HEADER", ("1", "0")) == "1",
            on_spool_full=_choice(env, "GATEHOUSE_ON_SPOOL_FULL", ON_SPOOL_FULL),
            drain_seconds=_number(env, "GATEHOUSE_DRAIN_SECONDS", 30),
            mode=_choice(env, "GATEHOUSE_MODE", MODES),
        )


def parse_networks(text: str) -> tuple[Network, ...]:
    """Return the networks of a list separated by commas or spaces; raise SettingError naming the wrong one."""
    networks = []
    for item in text.replace(",", " ").split():
        try:
            networks.append(ip_network(item, strict=False))
        except ValueError as error:
            raise SettingError(f"GATEHOUSE_PRIVATE_NETWORKS: {item!r} is not a network such as 10.0.0.0/8") from error
    return tuple(networks)


def _required(env: Mapping[str, str], name: str) -> str:
    value = env.get(name, "")
    if not value:
        raise SettingError(f"{name} must be set")
    return value


def _url(env: Mapping[str, str], name: str, default: str) -> str:
    value = env.get(name) or default
    if not value.startswith(("http://", "https://")):
        raise SettingError(f"{name} must start with http:// or https://, not {value!r}")
    return value.rstrip("/")


def _number(env: Mapping[str, str], name: str, default: float) -> float:
    text = env.get(name) or str(default)
    try:
        value = float(text)
    except ValueError as error:
        raise SettingError(f"{name} must be a number, not {text!r}") from error
    if value < 0:
        raise SettingError(f"{name} must not be negative, not {text!r}")
    return value


def _choice(env: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str:
    value = env.get(name) or choices[0]
    if value not in choices:
        raise SettingError(f"{name} must be one of {', '.join(choices)}, not {value!r}")
    return value
