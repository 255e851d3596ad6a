"""The files of manifests: found in folders, with the documents they name and the variables they read."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from manifests.cli.errors import CommandError
from manifests.manifest import TEXT_FIELDS, files_named

SUFFIXES = (".yaml", ".yml")
STDIN = "-"


def collect(paths: Iterable[str]) -> dict[str, str]:
    """Return the text of each file by path: those given, those in folders given, and those that manifests name."""
    files: dict[str, str] = {}
    for path in paths:
        if path == STDIN:
            files["stdin.yaml"] = sys.stdin.read()
            continue
        for found in _beneath(Path(path)):
            files[found.as_posix()] = _read(found)
    if not files:
        raise CommandError(f"There is no manifest (*.yaml, *.yml) in {', '.join(paths)}.")
    for name, text in list(files.items()):
        for document in _manifests(text):
            for beside in files_named(document["spec"], name).values():
                if beside not in files:
                    files[beside] = _read(Path(beside), named_by=name)
    return files


def variables(files: Mapping[str, str], environ: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Return the values of the variables that manifests name by `from_env`, and the names that have none."""
    names = {name for text in files.values() for document in _manifests(text) for name in _names(document.get("spec"))}
    return {name: environ[name] for name in names if name in environ}, sorted(names - set(environ))


def write_folder(folder: Path, files: Mapping[str, str]) -> int:
    """Write exported files beneath a folder; return how many changed."""
    changed = 0
    for name, text in files.items():
        target = folder / name
        if not target.resolve().is_relative_to(folder.resolve()):
            raise CommandError(f"The server names the file {name}, which lies outside {folder}.")
        if target.exists() and target.read_text() == text:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        changed += 1
    return changed


def _beneath(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
        return
    if not path.is_dir():
        raise CommandError(f"There is no file or folder {path}.")
    for folder, names, found in os.walk(path):
        names[:] = sorted(name for name in names if not name.startswith("."))
        for name in sorted(found):
            if name.endswith(SUFFIXES) and not name.startswith("."):
                yield Path(folder) / name


def _read(path: Path, named_by: str = "") -> str:
    where = f" ({named_by} names it)" if named_by else ""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{path} cannot be read{where}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise CommandError(f"{path} is no UTF-8 text{where}.") from error


def _manifests(text: str) -> Iterator[dict[str, Any]]:
    """Yield the manifests of a text; what is wrong in it the server says, with its place."""
    try:
        for document in yaml.load_all(text, Loader=yaml.CSafeLoader):  # noqa: S506 - a safe loader
            if isinstance(document, dict) and "kind" in document and isinstance(document.get("spec"), dict):
                yield document
    except (yaml.YAMLError, ValueError):
        return


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if set(value) == {"from_env"}:
            yield str(value["from_env"])
            return
        for name, item in value.items():
            if name not in TEXT_FIELDS:
                yield from _names(item)
    elif isinstance(value, list):
        for item in value:
            yield from _names(item)
