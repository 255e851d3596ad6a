"""Block `auth`: where callers may put their key beside the usual headers, and whose JWTs open the API. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from apis.gateway_settings import values
from apis.gateway_settings.problem import Problem
from gateway.dataplane.records import JWT_ALGORITHMS, IssuerRecord, KeyPlacesRecord

ISSUER_FIELDS = {"issuer", "audience", "jwks_url", "algorithms", "claim", "applications"}


def find_problems(block: Any) -> Iterator[Problem]:
    """Yield what is wrong with the block."""
    if not isinstance(block, dict):
        yield from values.mapping(block, "")
        return
    yield from values.unknown_fields(block, {"key_header", "key_query", "basic", "jwt"})
    if "key_header" in block:
        yield from values.header_name(block["key_header"], "/key_header")
    name = block.get("key_query", "key")
    if not isinstance(name, str) or not name or not values.TOKEN.issuperset(name):
        yield Problem("/key_query", f"{values.show(name)} is not the name of a query parameter.")
    yield from values.truth(block.get("basic", False), "/basic")
    issuers = block.get("jwt", [])
    if not isinstance(issuers, list):
        yield Problem("/jwt", "A list of issuers is needed.")
        return
    for index, issuer in enumerate(issuers):
        yield from (Problem(f"/jwt/{index}{item.pointer}", item.detail) for item in _issuer_problems(issuer))


def _issuer_problems(issuer: Any) -> Iterator[Problem]:
    if not isinstance(issuer, dict):
        yield from values.mapping(issuer, "")
        return
    yield from values.unknown_fields(issuer, ISSUER_FIELDS)
    for name in ("issuer", "audience", "claim"):
        value = issuer.get(name, "client_id" if name == "claim" else "")
        if not isinstance(value, str) or not value:
            yield Problem(f"/{name}", f"{name} is a text, as the issuer writes it into its tokens.")
    url = issuer.get("jwks_url")
    if not isinstance(url, str) or not url.startswith(("https://", "http://")) or len(url) > 2000:
        yield Problem("/jwks_url", f"{values.show(url)} is not the address of a JWK set.")
    algorithms = issuer.get("algorithms", [])
    yield from values.text_list(algorithms, "/algorithms") if algorithms else ()
    for index, name in enumerate(algorithms if isinstance(algorithms, list) else ()):
        if isinstance(name, str) and name not in JWT_ALGORITHMS:
            yield Problem(f"/algorithms/{index}", f"{values.show(name)} is none of {', '.join(JWT_ALGORITHMS)}.")
    applications = issuer.get("applications")
    if not isinstance(applications, dict) or not applications:
        yield Problem("/applications", "Name what the claim may say, and the application's id for each: {shop: app_…}.")
        return
    for client, application in applications.items():
        if not isinstance(application, str) or not application.startswith("app_"):
            yield Problem(f"/applications/{client}", f"{values.show(application)} is not an application's id (app_…).")


def route_fields(block: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a RouteRecord that a valid block gives."""
    names = {"header": block.get("key_header", ""), "query": block.get("key_query", "")}
    places = KeyPlacesRecord(**names, is_basic=block.get("basic", False))
    fields: dict[str, Any] = {}
    if places != KeyPlacesRecord():
        fields["key_places"] = places
    if "jwt" in block:
        fields["issuers"] = tuple(_record(issuer) for issuer in block["jwt"])
    return fields


def _record(issuer: dict[str, Any]) -> IssuerRecord:
    return IssuerRecord(
        issuer=issuer["issuer"],
        audience=issuer["audience"],
        jwks_url=issuer["jwks_url"],
        algorithms=tuple(issuer.get("algorithms", ())),
        claim=issuer.get("claim", "client_id"),
        applications=tuple((str(client), application) for client, application in issuer["applications"].items()),
    )
