"""Directions in words, metres as people say them, and the squares of a QR code; pure."""

from __future__ import annotations

import qrcode
from qrcode.constants import ERROR_CORRECT_M

SECTORS = 8
QUIET = 4  # modules of white around a code, as ISO/IEC 18004 asks


def sector_of(bearing_deg: float) -> int:
    """Return which of the eight winds a bearing points to: 0 north, 2 east, 7 north-west."""
    return round(bearing_deg / (360 / SECTORS)) % SECTORS


def rounded_m(distance_m: float) -> str:
    """Return metres below a kilometre, else kilometres with two decimals."""
    return f"{distance_m:.0f} m" if distance_m < 999.5 else f"{distance_m / 1000:.2f} km"


def qr_path(text: str) -> tuple[int, str]:
    """Return the width of a QR code in modules, quiet zone included, and its dark squares as the path of an SVG.

    Error correction M: a label stays readable with a seventh of it scratched.
    """
    code = qrcode.QRCode(error_correction=ERROR_CORRECT_M, border=0)
    code.add_data(text)
    code.make(fit=True)
    squares: list[str] = []
    for row, line in enumerate(code.get_matrix()):
        begin = None
        for column, dark in enumerate([*line, False]):
            if dark and begin is None:
                begin = column
            elif not dark and begin is not None:
                squares.append(f"M{begin + QUIET} {row + QUIET}h{column - begin}v1h-{column - begin}z")
                begin = None
    return len(code.get_matrix()) + 2 * QUIET, "".join(squares)
