"""The head of a document, for a catalog card and a docs page; the outline of a text, for the editor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from apis.design.json_types import Json, JsonObject, as_list, as_object, as_text
from apis.design.lines import index_lines
from apis.design.openapi30 import METHODS
from apis.design.operations import walk_operations
from apis.design.pointers import split_pointer


@dataclass(frozen=True, slots=True)
class TagSummary:
    """A tag that the document declares or an operation carries."""

    name: str
    description: str


@dataclass(frozen=True, slots=True)
class DocumentSummary:
    """Title, version and reach of a document; server URLs have their variables filled with the defaults."""

    title: str
    version: str
    description: str
    tags: tuple[TagSummary, ...]
    server_urls: tuple[str, ...]
    operation_count: int


def document_summary(document: JsonObject) -> DocumentSummary:
    """Summarise a canonical document."""
    info = as_object(document.get("info"))
    tags: dict[str, str] = {}
    for tag in map(as_object, as_list(document.get("tags"))):
        if isinstance(tag.get("name"), str):
            tags[as_text(tag["name"])] = as_text(tag.get("description"))
    count = 0
    for _, _, _, operation in walk_operations(document):
        count += 1
        for name in as_list(operation.get("tags")):
            if isinstance(name, str):
                tags.setdefault(name, "")
    servers = [_server_url(as_object(server)) for server in as_list(document.get("servers"))]
    return DocumentSummary(
        title=as_text(info.get("title")),
        version=as_text(info.get("version")),
        description=as_text(info.get("description")) or as_text(info.get("summary")),
        tags=tuple(TagSummary(name, description) for name, description in tags.items()),
        server_urls=tuple(url for url in servers if url),
        operation_count=count,
    )


def _server_url(server: JsonObject) -> str:
    url = as_text(server.get("url"))
    variables: dict[str, Json] = as_object(server.get("variables"))
    for name, variable in variables.items():
        url = url.replace("{" + name + "}", as_text(as_object(variable).get("default"), "{" + name + "}"))
    return url


@dataclass(frozen=True, slots=True)
class OutlineEntry:
    """One thing of a text and its line: a path (method ""), an operation of the path above it, or a schema."""

    kind: Literal["path", "operation", "schema"]
    name: str
    line: int
    method: str = ""


def outline_of(text: str) -> list[OutlineEntry]:
    """Return the paths with their operations, then the schemas, of a text that need not be valid; [] if unreadable."""
    paths: dict[str, list[OutlineEntry]] = {}
    schemas: list[OutlineEntry] = []
    for pointer, line in index_lines(text).items():
        match split_pointer(pointer):
            case ["paths", path]:
                paths.setdefault(path, []).append(OutlineEntry("path", path, line))
            case ["paths", path, method] if method in METHODS:
                paths.setdefault(path, []).append(OutlineEntry("operation", path, line, method.upper()))
            case ["components", "schemas", name] | ["definitions", name]:
                schemas.append(OutlineEntry("schema", name, line))
    return [*(entry for entries in paths.values() for entry in entries), *schemas]
