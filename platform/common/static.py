"""Static files under names that carry their hash, so that they may be cached for ever."""

from __future__ import annotations

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStaticFilesStorage(CompressedManifestStaticFilesStorage):
    """Tolerates third-party files that name a source map we do not ship."""

    manifest_strict = False
