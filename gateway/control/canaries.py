"""Ends trials everywhere once a worker has given one up: each worker judges by its own calls, all follow."""

from __future__ import annotations

from apis.models import Canary
from apis.services.canaries import fall_back
from gateway.control.models import Worker


def settle_canaries() -> int:
    """End the trials that workers report as fallen back; return how many ended."""
    running = {
        _series(canary): canary
        for canary in Canary.objects.filter(state=Canary.State.RUNNING).select_related(
            "version__api__team", "revision", "started_by"
        )
    }
    if not running:
        return 0
    ended = 0
    for worker in Worker.objects.all():
        for name in worker.stats.get("canary_fallbacks", []):
            if (canary := running.pop(name, None)) is not None:
                outcome = f"More than {canary.max_error_percent:g} % of its calls failed at {worker}."
                ended += fall_back(canary=canary, outcome=outcome)
    return ended


def _series(canary: Canary) -> str:
    """Return the series under which a worker says that it has given a trial up (gateway.dataplane.metrics)."""
    labels = f'version="{canary.version.public_id}",revision="{canary.revision.number}"'
    return f"gatehouse_canary_fallback{{{labels}}}"
