"""Versions that production does not serve: found by keys of an environment where they are deployed, and by nobody else.

Before its publication a version belongs to its owners: without a key of theirs, of that environment, its address gets
the same 404 as one where nothing is.
"""

from __future__ import annotations

from gateway.dataplane.context import Call
from gateway.dataplane.errors import GatewayError, RouteNotFound
from gateway.dataplane.policies import key_auth
from gateway.dataplane.router import Route
from gateway.dataplane.runtime import Runtime


def find(call: Call, runtime: Runtime, unknown: RouteNotFound) -> tuple[Route, str, list[str]]:
    """Return what the key's environment has at a path that production does not know; raise `unknown` for all others."""
    for found in call.state.router.find_elsewhere(call.raw_path, call.headers, call.query):
        if _is_reached(call, runtime, found[0]):
            return found
        _forget(call)
    raise unknown


def _is_reached(call: Call, runtime: Runtime, entry: Route) -> bool:
    call.entry, call.route = entry, entry.record
    try:
        key_auth.authenticate(call, runtime)
    except GatewayError:
        return False
    # A token of a foreign issuer and that of a try-it page stand for no key: they belong to production.
    credential = call.credential if call.credential_id else None
    return credential is not None and credential.team_id == entry.record.owner_team_id


def _forget(call: Call) -> None:
    """Leave no trace of what was tried: the record of the call must not tell of a version either."""
    call.entry = call.route = call.credential = call.subscription = None
    call.credential_id = call.subscription_id = call.user_id = ""
    call.is_authenticated = call.is_try_it = call.has_signed_body = False
