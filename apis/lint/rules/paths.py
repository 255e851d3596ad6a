"""Rules on paths."""

from __future__ import annotations

import re
from collections.abc import Iterator

from apis.lint.rule import Hit, Rule
from apis.lint.view import DocumentView

VERBS = ("get", "create", "add", "update", "delete", "remove", "fetch", "list", "set", "put", "post", "save")
VERB = re.compile(rf"(?:{'|'.join(VERBS)})(?:[A-Z_-].*)?")
KEBAB = re.compile(r"[a-z0-9]+(?:[-.][a-z0-9]+)*")
EXTENSION = re.compile(r".+\.(?:json|xml|html|php|aspx?|jsp)")
MOST_SEGMENTS = 8


def _segments(path: str) -> list[str]:
    return [segment for segment in path.split("/") if segment and "{" not in segment]


def _kebab(view: DocumentView) -> Iterator[Hit]:
    for path, pointer in view.paths:
        bad = [segment for segment in _segments(path) if not KEBAB.fullmatch(segment)]
        if bad:
            yield pointer, f"{path}: write {bad[0]!r} in lower case with hyphens."


def _trailing(view: DocumentView) -> Iterator[Hit]:
    for path, pointer in view.paths:
        if len(path) > 1 and path.endswith("/"):
            yield pointer, f"{path} ends with a slash. Callers who leave it out get 404."


def _doubled(view: DocumentView) -> Iterator[Hit]:
    for path, pointer in view.paths:
        if "//" in path:
            yield pointer, f"{path} has an empty segment. Proxies fold two slashes into one."


def _query(view: DocumentView) -> Iterator[Hit]:
    for path, pointer in view.paths:
        if "?" in path or "#" in path:
            yield pointer, f"{path} holds a query or a fragment. Describe query parameters under parameters."


def _verbs(view: DocumentView) -> Iterator[Hit]:
    for path, pointer in view.paths:
        for segment in _segments(path):
            if VERB.fullmatch(segment):
                yield pointer, f"{path}: {segment!r} is a verb. Name the thing; the method says what is done to it."
                break


def _extension(view: DocumentView) -> Iterator[Hit]:
    for path, pointer in view.paths:
        if EXTENSION.fullmatch(path):
            yield pointer, f"{path} names a format. Callers choose one by Accept."


def _depth(view: DocumentView) -> Iterator[Hit]:
    for path, pointer in view.paths:
        count = len([segment for segment in path.split("/") if segment])
        if count > MOST_SEGMENTS:
            yield pointer, f"{path} has {count} segments. More than {MOST_SEGMENTS} tie callers to your data model."


RULES = (
    Rule("path-kebab-case", "info", "Paths are lower case with hyphens",
         "Paths are case-sensitive; one spelling leaves nothing to guess.", _kebab),
    Rule("path-trailing-slash", "warn", "Paths end without a slash",
         "With and without are two paths, and one of them answers 404.", _trailing),
    Rule("path-empty-segment", "warn", "Paths have no empty segment",
         "Proxies and libraries fold doubled slashes, each in its own way.", _doubled),
    Rule("path-query", "warn", "Queries are not in paths",
         "A path template with a query matches no call.", _query),
    Rule("path-verb", "info", "Paths name things",
         "The method is the verb: GET /orders, not /getOrders.", _verbs),
    Rule("path-extension", "info", "Paths have no file extension",
         "The format is chosen by Accept and told by Content-Type (RFC 9110).", _extension),
    Rule("path-depth", "info", "Paths are not deep",
         "Each level is a promise about how your data hangs together.", _depth),
)  # fmt: skip
