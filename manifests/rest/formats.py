"""Bodies and answers in YAML and zip beside JSON; problems stay problem documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

import orjson
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer

from manifests.exporting import as_files, as_stream, as_zip


class YamlParser(BaseParser):
    """Takes a body of manifests as it is: `--data-binary @file.yaml -H 'Content-Type: application/yaml'`."""

    media_type = "application/yaml"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the body as the form with one text; options stand in the query."""
        try:
            text = stream.read().decode()
        except UnicodeDecodeError as error:
            raise ParseError(f"The body is no UTF-8 text: {error}.") from error
        query = (parser_context or {})["request"].query_params
        return {**query.dict(), "text": text}


class _ExportRenderer(BaseRenderer):
    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        """Return the export, or the problem as JSON."""
        if (renderer_context or {})["response"].exception:
            return orjson.dumps(data)
        return self.write(data)

    def write(self, data: Any) -> bytes:
        """Return the bytes of an export."""
        raise NotImplementedError


class YamlRenderer(_ExportRenderer):
    """One stream of documents: `?format=yaml`, and what is answered unless something else is asked for."""

    media_type = "application/yaml"
    format = "yaml"

    def write(self, data: Any) -> bytes:
        """Return the stream."""
        return as_stream(data).encode()


class ZipRenderer(_ExportRenderer):
    """A folder: `?format=zip`."""

    media_type = "application/zip"
    format = "zip"
    charset = None
    render_style = "binary"

    def write(self, data: Any) -> bytes:
        """Return the archive."""
        return as_zip(data)


class FilesRenderer(_ExportRenderer):
    """The same files as `{path: text}`: `?format=json`."""

    media_type = "application/json"
    format = "json"

    def write(self, data: Any) -> bytes:
        """Return the files."""
        return orjson.dumps({"files": as_files(data)})
