"""Questions teams asks of the apps above it, filled in their apps.py; check `teams.E001` names an unfilled one."""

from __future__ import annotations

from collections.abc import Callable

# apis fills it: the slugs of the environments that a key may belong to, `production` among them.
environments: Callable[[], list[str]] | None = None
