"""One document of many files: what the root refers to in other files comes under its components."""

from __future__ import annotations

import json
import posixpath
import re
from collections import deque
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

import yaml

from apis.design.archives.places import ANY, SCHEMAS, SECTIONS_2, SECTIONS_3, kind_below
from apis.design.archives.reading import read_archive
from apis.design.archives.roots import find_root, media_type_of
from apis.design.json_path import Budget, TooMuchWork
from apis.design.json_types import Json, JsonObject, as_object, shorten
from apis.design.loading import MAX_DEPTH, Format, load_tree
from apis.design.pointers import UnresolvedPointer, join_pointer, resolve_parts, split_pointer
from apis.design.problems import DesignError, Finding, cap_findings, refuse

# Values of the bundled document; files that are put in place again and again count each time.
MAX_BUNDLED = 4_000_000
_DEEPEST = MAX_DEPTH + 50
_FRAGMENT = "/~!$&'()*+,;=:@-._"
_NO_NAME = re.compile(r"[^A-Za-z0-9._-]+")
_STEM = re.compile(r"\.(?:json|ya?ml)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Bundle:
    """A document of one text, and what was done to make it."""

    text: str
    format: Format
    root: str
    findings: tuple[Finding, ...]


def bundle_archive(data: bytes, root: str = "") -> Bundle:
    """Read a zip archive and bundle its document; raise DesignError that names the file and the reference.

    Components are named after the fragment or file they come from, in the order of the document; a name that is taken
    gets _2. Path items are put in place. What a file says of its own `#/components` and does not have is taken from
    the root, with a warning.
    """
    archive = read_archive(data)
    name = find_root(archive.files, root)
    bundler = _Bundler(archive.files, name)
    try:
        tree = bundler.bundle()
    except TooMuchWork as error:
        raise refuse(
            "archive-too-complex", "The bundled document has millions of values. Split it into APIs."
        ) from error
    if bundler.errors:
        raise DesignError(cap_findings(bundler.errors))
    text, written = _write(tree, bundler.format)
    return Bundle(text, written, name, tuple(cap_findings([*bundler.remarks(), *_ignored(archive.ignored)])))


def _write(tree: JsonObject, wanted: Format) -> tuple[str, Format]:
    if wanted == "yaml":
        text = yaml.dump(tree, Dumper=_PlainDumper, sort_keys=False, allow_unicode=True, width=120)
        try:
            if load_tree(text).tree == tree:
                return text, "yaml"
        except DesignError:
            pass
    return json.dumps(tree, indent=2, ensure_ascii=False), "json"


class _PlainDumper(yaml.CSafeDumper):
    """Writes each value out: no anchors."""

    def ignore_aliases(self, data: object) -> bool:
        """Say so."""
        return True


def _ignored(names: tuple[str, ...]) -> list[Finding]:
    if not names:
        return []
    shown = ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
    return [Finding("archive-ignored", "info", f"Not read: {shown}.")]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a reference leads: a file of the archive and a pointer in it."""

    file: str
    pointer: str


@dataclass(frozen=True, slots=True)
class _Where:
    """What is being walked. `active` are the places that were put in place on the way there."""

    file: str
    pointer: str = ""
    depth: int = 0
    active: tuple[_Place, ...] = ()

    def at(self, key: str | int) -> _Where:
        """Return what is below."""
        return _Where(self.file, self.pointer + join_pointer([key]), self.depth + 1, self.active)


class _Bundler:
    def __init__(self, files: dict[str, bytes], root: str) -> None:
        self.files, self.root = files, root
        self.errors: list[Finding] = []
        self.warnings: list[Finding] = []
        self.trees: dict[str, Json] = {}
        self.broken: set[str] = set()
        self.format: Format = "yaml"
        self.is_swagger = False
        self.budget = Budget(MAX_BUNDLED)
        self.names: dict[tuple[_Place, str], str] = {}
        self.taken: dict[str, set[str]] = {}
        # Components of the root that only refer to a file: what that file holds comes there, under their name.
        self.homes: dict[str, _Place] = {}
        self.waiting: deque[tuple[_Place, str, str]] = deque()

    def bundle(self) -> JsonObject:
        """Return the root with everything it refers to."""
        loaded = load_tree(self.files[self.root], media_type_of(self.root))
        self.format = loaded.format
        tree = self.trees[self.root] = loaded.tree
        if not isinstance(tree, dict):
            raise refuse("document-not-api", f"{self.root} is {shorten(tree)}, not an OpenAPI document.")
        self.is_swagger = "swagger" in tree
        self.know_components(tree)
        made = as_object(self.walk(tree, ANY, _Where(self.root)))
        while self.waiting:
            place, kind, name = self.waiting.popleft()
            value = self.walk(self.at(place), kind, _Where(place.file, place.pointer))
            holder = made if self.is_swagger else made.setdefault("components", {})
            section = as_object(holder).setdefault(self.section(kind), {})
            if isinstance(section, dict):
                section[name] = value
        return made

    def know_components(self, tree: JsonObject) -> None:
        """Note which names are taken, and which components of the root are there for a place in another file."""
        prefix = "" if self.is_swagger else "/components"
        holder = tree if self.is_swagger else as_object(tree.get("components"))
        kinds = SECTIONS_2 if self.is_swagger else {kind: kind for kind in SECTIONS_3}
        for kind, section in kinds.items():
            listed = as_object(holder.get(section))
            where = _Where(self.root, f"{prefix}/{section}")
            if isinstance(listed.get("$ref"), str):
                place = self.locate(str(listed["$ref"]), where)
                is_elsewhere = place is not None and place.file != self.root
                entries = as_object(self.at(place)) if place and is_elsewhere else {}
                places = {name: _Place(place.file, place.pointer + join_pointer([name])) for name in entries if place}
            else:
                entries = listed
                places = {}
                for name, entry in listed.items():
                    reference = as_object(entry).get("$ref")
                    if isinstance(reference, str) and not reference.startswith("#"):
                        found = self.locate(reference, where.at(name))
                        if found and found.file != self.root and len(as_object(entry)) == 1:
                            places[name] = found
            self.taken[section] = set(entries)
            for name, found in places.items():
                if self.names.setdefault((found, kind), name) == name:
                    self.homes[f"{where.pointer}{join_pointer([name])}"] = found

    def section(self, kind: str) -> str:
        """Return where components of a kind stand, "" where the version has no place for them."""
        if self.is_swagger:
            return SECTIONS_2.get(kind, "")
        return kind if kind in SECTIONS_3 else ""

    def remarks(self) -> list[Finding]:
        """Return what was done: the root, what was bundled under which name, what was repaired."""
        found = [Finding("archive-root", "info", f"{self.root} is the document.")]
        for (place, kind), name in self.names.items():
            origin = place.file + (f"#{place.pointer}" if place.pointer else "")
            pointer = ("/" if self.is_swagger else "/components/") + f"{self.section(kind)}/{name}"
            found.append(Finding("archive-bundled", "info", f"{name} was {origin}.", pointer))
        return [*found, *self.warnings]

    def walk(self, value: Json, kind: str, where: _Where) -> Json:
        """Return a copy of a value with its references changed."""
        self.budget.spend(1)
        if where.depth > _DEEPEST:
            raise refuse("document-too-deep", f"{where.file} is nested too deeply at {shorten(where.pointer)}.")
        if isinstance(value, list):
            return [self.walk(inner, kind, where.at(n)) for n, inner in enumerate(value)]
        if not isinstance(value, dict):
            return value
        # A property or path called $ref is none: it is no text. A whole map may be referred to as well.
        reference = value.get("$ref")
        made: JsonObject = {}
        for key, inner in value.items():
            below = kind_below(kind, key, inner)
            if not isinstance(inner, dict | list) or below is None:
                self.budget.spend(1 if not isinstance(inner, dict | list) else 1 + len(inner))
                made[key] = inner
            elif kind == SCHEMAS and key == "discriminator":
                made[key] = self.discriminate(as_object(inner), where.at(key))
            else:
                made[key] = self.walk(inner, below, where.at(key))
        return self.refer(made, reference, kind, where) if isinstance(reference, str) else made

    def discriminate(self, value: JsonObject, where: _Where) -> Json:
        """Return a discriminator whose mapping names components; plain schema names stay."""
        mapping = value.get("mapping")
        if not isinstance(mapping, dict):
            return value
        made = dict(mapping)
        for key, target in mapping.items():
            if isinstance(target, str) and ("#" in target or "/" in target or _STEM.search(target)):
                made[key] = as_object(self.refer({}, target, SCHEMAS, where.at("mapping"))).get("$ref", target)
        return {**value, "mapping": made}

    def refer(self, value: JsonObject, reference: str, kind: str, where: _Where) -> Json:
        """Return what stands in the place of a reference; `value` holds it and what is written beside it."""
        if where.file == self.root and reference.startswith("#"):
            return {**value, "$ref": reference}
        place = self.locate(reference, where)
        if place is None:
            return value
        beside = {key: inner for key, inner in value.items() if key != "$ref"}
        if place.file == self.root:
            return {**beside, "$ref": "#" + quote(place.pointer, safe=_FRAGMENT)}
        is_home = where.file == self.root and self.homes.get(where.pointer) == place
        if self.section(kind) and not is_home:
            return {**beside, "$ref": self.component(place, kind)}
        if place in where.active:
            text = f"The reference {shorten(reference)} leads back to itself, and nothing there can be a component."
            self.fail("reference-cycle", text, where)
            return value
        inside = _Where(place.file, place.pointer, where.depth + 1, (*where.active, place))
        target = self.walk(self.at(place), kind, inside)
        return {**target, **beside} if isinstance(target, dict) else target

    def locate(self, reference: str, where: _Where) -> _Place | None:
        """Return where a reference leads, or None after an error."""
        shown = f"The reference {shorten(reference, 100)}"
        try:
            parts = urlsplit(reference)
        except ValueError:
            return self.fail("reference-unresolved", f"{shown} cannot be read.", where)
        if parts.scheme or parts.netloc:
            text = f"{shown} leaves the archive. Pack what it names, and refer to that."
            return self.fail("reference-remote", text, where)
        name = where.file
        if parts.path:
            name = posixpath.normpath(posixpath.join(posixpath.dirname(where.file), unquote(parts.path)))
        if name not in self.files:
            return self.fail("reference-unresolved", f"{shown} names {shorten(name)}, which is not packed.", where)
        place = _Place(name, unquote(parts.fragment))
        return place if name == self.root else self.settle(place, shown, where)

    def settle(self, place: _Place, shown: str, where: _Where) -> _Place | None:
        """Return a place that is there: in its file, or where that speaks of the root's components, in the root."""
        at_root = _Place(self.root, place.pointer)
        for candidate in (place, at_root) if place.pointer.startswith(("/components/", "/definitions/")) else (place,):
            if candidate.file in self.broken:
                return None
            try:
                self.at(candidate)
            except UnresolvedPointer:
                continue
            except DesignError as error:
                self.broken.add(candidate.file)
                self.errors.extend(_in_file(error, candidate.file))
                return None
            if candidate is at_root:
                text = f"{shown} in {where.file} names nothing there: that of {self.root} is taken."
                self.warnings.append(Finding("archive-repaired", "warn", text))
            return candidate
        return self.fail("reference-unresolved", f"{shown} names nothing in {place.file}.", where)

    def at(self, place: _Place) -> Json:
        """Return what stands at a place; raise UnresolvedPointer, or the DesignError of a file that cannot be read."""
        if place.file not in self.trees:
            self.trees[place.file] = load_tree(self.files[place.file], media_type_of(place.file)).tree
        if place.pointer and not place.pointer.startswith("/"):
            raise UnresolvedPointer(place.pointer)
        return resolve_parts(self.trees[place.file], split_pointer(place.pointer))

    def component(self, place: _Place, kind: str) -> str:
        """Return the reference to the component that a place becomes, naming it at the first time."""
        section = self.section(kind)
        name = self.names.get((place, kind))
        if name is None:
            last = place.pointer.rpartition("/")[2] or _STEM.sub("", posixpath.basename(place.file))
            wanted = _NO_NAME.sub("_", last.replace("~1", "_").replace("~0", "_")).strip("_") or "component"
            taken = self.taken.setdefault(section, set())
            name, number = wanted, 2
            while name in taken:
                name, number = f"{wanted}_{number}", number + 1
            taken.add(name)
            self.names[place, kind] = name
            self.waiting.append((place, kind, name))
        return "#" + join_pointer([section, name] if self.is_swagger else ["components", section, name])

    def fail(self, code: str, message: str, where: _Where) -> _Place | None:
        """Remember an error and where it stands; return no place, for who asked for one."""
        self.errors.append(Finding(code, "error", f"{where.file}: {message}", where.pointer))
        return None


def _in_file(error: DesignError, file: str) -> list[Finding]:
    return [
        Finding(finding.code, finding.severity, f"{file}: {finding.message}", finding.pointer, finding.line)
        for finding in error.findings
    ]
