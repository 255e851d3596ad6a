"""The texts of an archive, never more of them than it declares and than is allowed; nothing is written to a disk."""

from __future__ import annotations

import io
import posixpath
import re
import stat
import zipfile
import zlib
from dataclasses import dataclass, field

from apis.design.json_types import shorten
from apis.design.loading import MAX_DOCUMENT_BYTES
from apis.design.problems import DesignError, refuse

# A directory of an archive this small has at most some hundred thousand entries, whatever it claims.
MAX_ARCHIVE_BYTES = 8 * 1024 * 1024
MAX_ENTRIES = 2000
# Text of any kind shrinks to a hundredth at best; more is made to blow up.
MAX_RATIO = 200
RATIO_COUNTS_FROM = 1024 * 1024

READ = (".json", ".yaml", ".yml")
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED, _IS_UTF8 = 0x1, 0x800
_DRIVE = re.compile(r"[A-Za-z]:")
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError)


@dataclass(frozen=True, slots=True)
class Archive:
    """The documents of an archive by their name, as bytes, and the names of what was not read."""

    files: dict[str, bytes]
    ignored: tuple[str, ...] = field(default=())


def is_archive(data: bytes) -> bool:
    """Say whether the bytes begin as a zip archive does."""
    return data[:4] in (b"PK\x03\x04", b"PK\x05\x06")


def declared_bytes(data: bytes) -> int:
    """Return how much text an archive says that it holds; 0 for one that cannot be read."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return sum(entry.file_size for entry in archive.infolist())
    except _BROKEN:
        return 0


def read_archive(data: bytes) -> Archive:
    """Return an archive's documents; raise DesignError (archive-…) that names the entry which is in the way."""
    if len(data) > MAX_ARCHIVE_BYTES:
        size, limit = len(data) / 1024**2, MAX_ARCHIVE_BYTES // 1024**2
        raise refuse("archive-too-large", f"The archive has {size:.1f} MB; at most {limit} MB are read.")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _read(archive)
    except _BROKEN as error:
        if isinstance(error, DesignError):
            raise
        raise refuse("archive-broken", "The zip archive is damaged. Make it anew.") from error


def _read(archive: zipfile.ZipFile) -> Archive:
    entries = archive.infolist()
    if len(entries) > MAX_ENTRIES:
        raise refuse("archive-too-many", f"The archive has {len(entries)} entries; at most {MAX_ENTRIES} are read.")
    files: dict[str, bytes] = {}
    ignored: list[str] = []
    left = MAX_DOCUMENT_BYTES
    for entry in entries:
        name = _name(entry)
        if entry.is_dir() or name.endswith("/"):
            continue
        _check(entry, name)
        if not name.lower().endswith(READ) or _is_hidden(name):
            ignored.append(name)
            continue
        if name in files:
            raise refuse("archive-name", f"{shorten(name)} stands twice in the archive. Remove one of them.")
        if entry.file_size > left:
            limit = MAX_DOCUMENT_BYTES // 1024**2
            raise refuse("archive-too-large", f"With {shorten(name)} the archive holds more than {limit} MB of text.")
        files[name] = _content(archive, entry, name)
        left -= len(files[name])
    return Archive(files, tuple(ignored))


def _name(entry: zipfile.ZipInfo) -> str:
    """Return an entry's name with forward slashes; raise DesignError for one that leads out of the archive."""
    name = entry.filename
    if not entry.flag_bits & _IS_UTF8 and not name.isascii():
        try:
            # Many programs write UTF-8 and forget to say so; the format's own default is code page 437.
            name = name.encode("cp437").decode("utf-8")
        except UnicodeError:
            name = entry.filename
    name = name.replace("\\", "/")
    is_folder = name.endswith("/")
    parts = name.split("/")
    if name.startswith("/") or _DRIVE.match(name) or ".." in parts or any(ord(sign) < 32 for sign in name):
        raise refuse("archive-name", f"{shorten(name)} leads out of the archive, or is no name. Pack relative names.")
    return posixpath.normpath(name) + ("/" if is_folder else "")


def _check(entry: zipfile.ZipInfo, name: str) -> None:
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise refuse("archive-link", f"{shorten(name)} is a symbolic link. Pack the file it leads to.")
    if entry.flag_bits & _ENCRYPTED:
        raise refuse("archive-encrypted", f"{shorten(name)} is encrypted. Pack the archive without a password.")
    if entry.compress_type not in _METHODS:
        raise refuse("archive-method", f"{shorten(name)} is packed in a rare way. Pack it as plain zip (deflate).")
    packed = max(entry.compress_size, 1)
    if entry.file_size > RATIO_COUNTS_FROM and entry.file_size / packed > MAX_RATIO:
        ratio = entry.file_size // packed
        raise refuse("archive-bomb", f"{shorten(name)} would grow {ratio} times when unpacked. It is not read.")


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in name.split("/"))


def _content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str) -> bytes:
    with archive.open(entry) as file:
        content = file.read(entry.file_size + 1)
    if len(content) != entry.file_size:
        raise refuse("archive-broken", f"{shorten(name)} is not as long as the archive says. Make the archive anew.")
    return content
