"""What a start tells: addresses, logins and lines that work, on the screen and in ready.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from supervisor.errors import SupervisorError
from supervisor.home import Home, write_private
from supervisor.options import Options


def write_ready(home: Home, options: Options) -> dict[str, Any]:
    """Write ready.json from the seed's secrets and return its content."""
    try:
        seeded = json.loads(home.demo.read_text())
        content = {
            "console_url": options.console_url,
            "gateway_url": options.gateway_url,
            "admin": {key: seeded["admin"][key] for key in ("username", "password")},
            "developer": {key: seeded["developer"][key] for key in ("username", "password")},
            "api_token": seeded["api_token"],
            "api_key": seeded["api_key"],
            "examples": [
                {"title": example["title"], "curl": _fill(example["curl"], seeded, options)}
                for example in seeded.get("examples", [])
            ],
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SupervisorError(
            f"The demo's secrets in {home.demo} cannot be read ({type(error).__name__}: {error}).",
            "Start with an empty GATEHOUSE_HOME to seed the demo anew.",
        ) from error
    write_private(home.ready, json.dumps(content, indent=2) + "\n")
    return content


def _fill(curl: str, seeded: dict[str, Any], options: Options) -> str:
    """Put addresses and secrets into a template; JSON bodies have braces of their own, so no str.format."""
    words = {
        "{gateway_url}": options.gateway_url,
        "{console_url}": options.console_url,
        "{api_key}": seeded["api_key"],
        "{api_token}": seeded["api_token"],
    }
    for word, text in words.items():
        curl = curl.replace(word, text)
    return curl


def announce(content: dict[str, Any], home: Home, options: Options) -> str:
    """Return the text shown when everything is ready."""
    lines = [
        "",
        "Gatehouse is ready.",
        "",
        f"  Console    {content['console_url']}",
        f"  Gateway    {content['gateway_url']}",
        f"  Admin      {content['admin']['username']}  {content['admin']['password']}",
        f"  Developer  {content['developer']['username']}  {content['developer']['password']}",
        "",
    ]
    for example in content["examples"]:
        lines += [f"  # {example['title']}", f"  {example['curl']}", ""]
    stores = "" if options.database_url and options.redis_url else " Embedded stores: for trials, not for production."
    lines += [
        f"  Data in {_short(home.path)}, logs in {_short(home.logs)}, the same as JSON in {_short(home.ready)}.",
        f"  Demo logins and demo data.{stores} Ctrl-C stops everything; the data stays.",
        "",
    ]
    return "\n".join(lines) + "\n"


def _short(path: Path) -> str:
    try:
        return f"./{path.relative_to(Path.cwd())}"
    except ValueError:
        return str(path)
