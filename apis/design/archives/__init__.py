"""Zip archives of a document in several files: read safely, bundled into one. Pure, in memory."""

from apis.design.archives.bundling import Bundle, bundle_archive
from apis.design.archives.reading import MAX_ARCHIVE_BYTES, declared_bytes, is_archive

__all__ = ["MAX_ARCHIVE_BYTES", "Bundle", "bundle_archive", "declared_bytes", "is_archive"]
