"""The secrets of gateway settings are sealed before they are kept: nobody reads a key back."""

from __future__ import annotations

import base64
from typing import Any

from apis.gateway_settings.upstream import SEALED
from common.sealed import sealer

CONTEXT = "gateway_settings:tls.key"


def seal_settings(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the settings with their secrets sealed; what is sealed already stays as it is."""
    tls = settings.get("upstream", {}).get("tls")
    if not isinstance(tls, dict) or not tls.get("key") or tls["key"].startswith(SEALED):
        return settings
    box = base64.b64encode(sealer().seal(tls["key"].encode(), context=CONTEXT)).decode()
    return {**settings, "upstream": {**settings["upstream"], "tls": {**tls, "key": SEALED + box}}}


def open_key(text: str) -> str:
    """Return a sealed key in clear, for the gateway's sealed record."""
    if not text.startswith(SEALED):
        return text
    return sealer().open(base64.b64decode(text.removeprefix(SEALED)), context=CONTEXT).decode()
