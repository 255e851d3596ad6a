"""What the environment asks of the supervisor, read once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from supervisor.binaries import CHOICES
from supervisor.errors import SupervisorError
from supervisor.ports import LOOPBACK

ROOT = Path(__file__).resolve().parents[2]
WILDCARDS = ("0.0.0.0", "::")  # noqa: S104


@dataclass(frozen=True, slots=True)
class Options:
    """One start's settings; addresses are what people and probes use."""

    root: Path
    home: Path
    bind: str
    console_port: int
    gateway_port: int
    console_url: str
    gateway_url: str
    private_networks: str
    gateway_workers: int
    stores: str
    database_url: str
    redis_url: str
    master_key_file: Path
    has_model: bool = True

    @property
    def probe_host(self) -> str:
        """Where our own probes find a server that listens on `bind`."""
        return LOOPBACK if self.bind in WILDCARDS else self.bind


def read_options(environ: Mapping[str, str], *, has_model: bool = True, root: Path = ROOT) -> Options:
    """Read the environment; raise SupervisorError naming the variable that is wrong."""
    home = Path(environ.get("GATEHOUSE_HOME") or root / "var").expanduser().absolute()
    bind = environ.get("GATEHOUSE_BIND") or LOOPBACK
    console_port = _port(environ, "GATEHOUSE_CONSOLE_PORT", 8000)
    gateway_port = _port(environ, "GATEHOUSE_GATEWAY_PORT", 8080)
    if console_port == gateway_port:
        raise SupervisorError(
            f"GATEHOUSE_CONSOLE_PORT and GATEHOUSE_GATEWAY_PORT are both {console_port}.", "Choose two ports."
        )
    stores = environ.get("GATEHOUSE_STORES") or "auto"
    if stores not in CHOICES:
        raise SupervisorError(f"GATEHOUSE_STORES is {stores!r}.", f"Set it to one of {', '.join(CHOICES)}.")
    if environ.get("GATEHOUSE_MODE") == "production" and not (environ.get("DATABASE_URL") and environ.get("REDIS_URL")):
        raise SupervisorError(
            "The embedded stores are for trials: production needs DATABASE_URL and REDIS_URL.",
            "Set both to servers that are backed up, or leave GATEHOUSE_MODE out.",
        )
    shown = LOOPBACK if bind in WILDCARDS else f"[{bind}]" if ":" in bind else bind
    return Options(
        root=root,
        home=home,
        bind=bind,
        console_port=console_port,
        gateway_port=gateway_port,
        console_url=(environ.get("GATEHOUSE_CONSOLE_URL") or f"http://{shown}:{console_port}").rstrip("/"),
        gateway_url=(environ.get("GATEHOUSE_GATEWAY_URL") or f"http://{shown}:{gateway_port}").rstrip("/"),
        private_networks=environ.get("GATEHOUSE_PRIVATE_NETWORKS", "127.0.0.0/8,::1/128"),
        gateway_workers=_count(environ, "GATEHOUSE_GATEWAY_WORKERS", 2),
        stores=stores,
        database_url=environ.get("DATABASE_URL", ""),
        redis_url=environ.get("REDIS_URL", ""),
        master_key_file=Path(environ.get("GATEHOUSE_MASTER_KEY_FILE") or home / "secrets" / "master.key").absolute(),
        has_model=has_model,
    )


def _port(environ: Mapping[str, str], name: str, default: int) -> int:
    return _number(environ, name, default, 1, 65535)


def _count(environ: Mapping[str, str], name: str, default: int) -> int:
    return _number(environ, name, default, 1, 64)


def _number(environ: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    text = environ.get(name) or str(default)
    if not text.isdecimal() or not least <= int(text) <= most:
        raise SupervisorError(f"{name} is {text!r}.", f"Set it to a whole number from {least} to {most}.")
    return int(text)


def inherited(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return what children keep of our environment: their clean base, GATEHOUSE_* and where trust is found."""
    source = os.environ if environ is None else environ
    kept = {name: text for name, text in source.items() if name.startswith("GATEHOUSE_")}
    kept |= {name: source[name] for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if name in source}
    return {
        **kept,
        "PATH": source.get("PATH", os.defpath),
        "HOME": source.get("HOME") or os.path.expanduser("~"),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
    }
