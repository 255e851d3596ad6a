"""Rules on what a document says of itself."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from apis.design.json_types import as_list, as_object, as_text
from apis.design.pointers import join_pointer
from apis.lint.rule import Hit, Rule
from apis.lint.view import DocumentView

SHORTEST_DESCRIPTION = 20
SEMVER = re.compile(r"\d+\.\d+\.\d+(?:[-+].+)?")


def _description(view: DocumentView) -> Iterator[Hit]:
    text = as_text(view.info.get("description")).strip()
    if len(text) < SHORTEST_DESCRIPTION:
        yield "/info", "info.description is missing or shorter than a sentence. Say what the API is for."


def _contact(view: DocumentView) -> Iterator[Hit]:
    contact = as_object(view.info.get("contact"))
    if not (contact.get("email") or contact.get("url")):
        yield "/info", "info.contact has neither email nor url. Say whom callers write to."


def _license(view: DocumentView) -> Iterator[Hit]:
    if not as_object(view.info.get("license")):
        yield "/info", "info.license is missing. Say under which terms the API may be used."


def _version(view: DocumentView) -> Iterator[Hit]:
    version = as_text(view.info.get("version"))
    if not SEMVER.fullmatch(version):
        yield "/info/version", f"info.version {version!r} is no semantic version such as 1.4.0."


def _tag_descriptions(view: DocumentView) -> Iterator[Hit]:
    for index, tag in enumerate(as_list(view.document.get("tags"))):
        # OpenAPI 3.2 gives a tag a summary too.
        if not (as_text(as_object(tag).get("description")) + as_text(as_object(tag).get("summary"))).strip():
            name = as_text(as_object(tag).get("name"))
            yield f"/tags/{index}", f"The tag {name!r} has no description. Say what its operations have in common."


def _tags_once(view: DocumentView) -> Iterator[Hit]:
    names = [as_text(as_object(tag).get("name")) for tag in as_list(view.document.get("tags"))]
    for name, count in Counter(names).items():
        if count > 1:
            yield "/tags", f"The tag {name!r} is described {count} times. Keep one."


def _unused(view: DocumentView) -> Iterator[Hit]:
    for section in ("schemas", "parameters", "responses", "requestBodies", "headers", "examples"):
        for name in as_object(view.components.get(section)):
            pointer = join_pointer(["components", section, name])
            used = f"#{pointer}"
            if not any(reference == used or reference.startswith(f"{used}/") for reference in view.references):
                yield pointer, f"{name!r} in components.{section} is referred to nowhere. Use it or take it out."


RULES = (
    Rule("info-description", "warn", "The API says what it is for",
         "The catalog shows it first: a reader decides in a few seconds whether this is the API they look for.",
         _description),
    Rule("info-contact", "info", "A contact is named",
         "Documents travel. Whoever finds one outside the catalog still has somebody to ask.", _contact),
    Rule("info-license", "info", "A licence is named",
         "Callers outside your organisation may not use what names no terms.", _license),
    Rule("info-version-semver", "info", "The version is a semantic one",
         "Tools compare versions of documents; semver.org says how.", _version),
    Rule("tag-description", "info", "Tags are described",
         "Tags are the chapters of the docs. A chapter has a first sentence.", _tag_descriptions),
    Rule("tag-once", "warn", "A tag is described once",
         "Of two descriptions one is wrong, and nobody knows which.", _tags_once),
    Rule("component-unused", "info", "Components are used",
         "What nothing refers to is read by nobody, and rots.", _unused),
)  # fmt: skip
