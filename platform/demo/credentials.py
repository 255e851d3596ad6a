"""The demo's own secrets: made once, kept in `$GATEHOUSE_HOME/secrets/demo.json` (0600)."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import Any

from django.conf import settings


def demo_file() -> Path:
    """Return where the demo's secrets are kept."""
    path: Path = settings.GATEHOUSE_HOME / "secrets" / "demo.json"
    return path


def read_demo_secrets() -> dict[str, Any]:
    """Return what an earlier seed kept, {} when there was none."""
    try:
        found = json.loads(demo_file().read_text())
    except FileNotFoundError:
        return {}
    return found if isinstance(found, dict) else {}


def write_demo_secrets(content: dict[str, Any]) -> None:
    """Keep the secrets, readable by the owner alone, replaced as a whole."""
    path = demo_file()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "w") as file:
        json.dump(content, file, indent=2)
    part.replace(path)


def new_password() -> str:
    """Return a password that can be typed."""
    return "-".join(secrets.token_hex(2) for _ in range(4))
