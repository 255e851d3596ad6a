"""A QR code as the path of an SVG of our own: no style attribute, which the content policy would refuse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from qrcode.constants import ERROR_CORRECT_M
from qrcode.main import QRCode

QUIET = 4  # modules of white around it (ISO/IEC 18004 §5.3.8)


@dataclass(frozen=True, slots=True)
class Drawing:
    """A square of `size` modules and the path of the dark ones."""

    size: int
    path: str


def qr_drawing(text: str) -> Drawing:
    """Draw a text."""
    code: QRCode[Any] = QRCode(border=QUIET, error_correction=ERROR_CORRECT_M)
    code.add_data(text)
    rows = code.get_matrix()
    dark = [f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, is_dark in enumerate(row) if is_dark]
    return Drawing(len(rows), "".join(dark))
