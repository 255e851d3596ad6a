"""Manifests as text: files of YAML documents to manifests with their lines, and back. Pure.

Scalars follow YAML 1.2, as in OpenAPI documents: `no` and a date are texts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from apis.design.lines import index_lines
from apis.design.problems import DesignError
from apis.design.yaml_tree import YamlTree, read_plain
from manifests.manifest import API_VERSION, Manifest, Problem, files_named

MOST_MANIFESTS = 1000
MAX_DEPTH = 200
# YAML lets no content line begin with a document's marker, not even inside a block of text.
_MARKER = re.compile(r"^---(?=\s|$)", re.MULTILINE)
_OTHER_DOCUMENTS = ("openapi", "swagger", "asyncapi", "overlay")


def read_files(files: Mapping[str, str]) -> tuple[list[Manifest], list[Problem]]:
    """Return the manifests of files by path, in their order, and what cannot be read.

    `document: {file: openapi.yaml}` is replaced by the text of that file, named from the manifest's folder. A file
    that is so named, or that is an OpenAPI document or an overlay, holds no manifests.
    """
    found: list[Manifest] = []
    problems: list[Problem] = []
    taken: set[str] = set()
    for path, text in files.items():
        manifests, wrong = read_text(text, path)
        taken |= {name for manifest in manifests for name in files_named(manifest.spec, manifest.file).values()}
        found += manifests
        problems += wrong
    if len(found) > MOST_MANIFESTS:
        return [], [Problem(f"There are {len(found)} manifests, {MOST_MANIFESTS} at most: apply them in parts.")]
    found = [manifest for manifest in found if manifest.file not in taken]
    problems = [problem for problem in problems if problem.file not in taken]
    done = [_with_files(manifest, files, problems) for manifest in found]
    return done, problems


def read_text(text: str, file: str = "") -> tuple[list[Manifest], list[Problem]]:
    """Return the manifests of one text, several documents parted by `---`, and what cannot be read."""
    found: list[Manifest] = []
    problems: list[Problem] = []
    for part, above in _documents(text.removeprefix("\ufeff")):
        tree = YamlTree(part, MAX_DEPTH)
        try:
            value = tree.build()
        except DesignError as error:
            finding = error.findings[0]
            line = (finding.line or 0) + above
            problems.append(Problem(_place(finding.message, finding.line, line), "", file, line))
            continue
        if value is None or (isinstance(value, dict) and any(name in value for name in _OTHER_DOCUMENTS)):
            continue
        lines = {pointer: line + above for pointer, line in index_lines(part).items()}
        first = min(lines.values(), default=above + 1)
        for finding in tree.findings:
            line = (finding.line or 0) + above
            problems.append(Problem(_place(finding.message, finding.line, line), finding.pointer, file, line))
        if isinstance(value, dict):
            manifest, wrong = read_document(value, file, {"": first, **lines})
        else:
            manifest, wrong = None, [Problem("A manifest is an object with kind, metadata and spec.", "", file, first)]
        problems += wrong
        found += [manifest] if manifest is not None else []
    return found, problems


def read_document(value: Any, file: str = "", lines: dict[str, int] | None = None) -> tuple[
    Manifest | None, list[Problem]
]:  # fmt: skip
    """Return the manifest that a JSON value is, None with the reasons when it is none."""
    known = lines or {}
    if not isinstance(value, dict):
        return None, [Problem("A manifest is an object with kind, metadata and spec.", "", file)]
    whole = Manifest(str(value.get("kind", "")), {}, {}, file, known)
    problems = [
        whole.problem(f"{name!r} is not a part of a manifest: apiVersion, kind, metadata and spec are.", f"/{name}")
        for name in map(str, value)
        if name not in ("apiVersion", "kind", "metadata", "spec")
    ]
    if value.get("apiVersion") != API_VERSION:
        said = "apiVersion is missing" if "apiVersion" not in value else f"apiVersion is {value['apiVersion']!r}"
        problems.append(whole.problem(f"{said}: write {API_VERSION}.", "/apiVersion"))
    metadata, spec = value.get("metadata") or {}, value.get("spec") or {}
    for name, part in (("metadata", metadata), ("spec", spec)):
        if not isinstance(part, dict):
            problems.append(whole.problem(f"{name} is an object with fields.", f"/{name}"))
    if problems:
        return None, problems
    return Manifest(whole.kind, metadata, spec, file, known), []


def _documents(text: str) -> Iterable[tuple[str, int]]:
    """Yield each document of a stream with the number of lines above it."""
    starts = [match.start() for match in _MARKER.finditer(text)]
    edges = sorted({0, *starts, len(text)})
    for begin, end in zip(edges, edges[1:], strict=False):
        yield text[begin:end], text.count("\n", 0, begin)


def _place(message: str, said: int | None, line: int) -> str:
    """Let a sentence that names the line within its document name the one of the file."""
    return re.sub(rf"\bline {said}\b", f"line {line}", message) if said else message


def _with_files(manifest: Manifest, files: Mapping[str, str], problems: list[Problem]) -> Manifest:
    named = files_named(manifest.spec, manifest.file)
    for field, name in named.items():
        if name not in files:
            detail = f"The file {name} was not sent: it is named from the folder of the manifest."
            problems.append(manifest.problem(detail, f"/spec/{field}/file"))
    spec = {**manifest.spec, **{field: files[name] for field, name in named.items() if name in files}}
    return Manifest(manifest.kind, manifest.metadata, spec, manifest.file, manifest.lines)


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks, and quotes what YAML 1.2 would read as something else."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write each value out: an alias helps no reader."""
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Indent lists below their key."""
        super().increase_indent(flow, False)


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    if style is None and read_plain(value) != value:
        style = "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def write_text(documents: Iterable[Mapping[str, Any]]) -> str:
    """Return documents as one YAML text; equal documents give equal bytes."""
    return "---\n".join(
        yaml.dump(dict(document), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
        for document in documents
    )
