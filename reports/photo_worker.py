"""The child process that makes one photo small: standard input to standard output, nothing else loaded."""

from __future__ import annotations

import io
import resource
import sys

LONGEST_PX, JPEG_QUALITY = 900, 80
PIXELS_MOST, MEMORY_BYTES = 80_000_000, 1_500_000_000


def main() -> None:
    """Read a photo from standard input and write the small one to standard output."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    from PIL import Image, ImageOps  # noqa: PLC0415  # behind the limits

    Image.MAX_IMAGE_PIXELS = PIXELS_MOST // 2  # Pillow refuses from twice this on
    with Image.open(io.BytesIO(sys.stdin.buffer.read()), formats=("JPEG", "PNG")) as photo:
        photo.draft("RGB", (LONGEST_PX, LONGEST_PX))
        turned = ImageOps.exif_transpose(photo)
        turned.thumbnail((LONGEST_PX, LONGEST_PX))
        flat = Image.new("RGB", turned.size, "white")
        seen = turned.convert("RGBA")
        flat.paste(seen, mask=seen.getchannel("A"))
    made = io.BytesIO()
    flat.save(made, "JPEG", quality=JPEG_QUALITY)
    sys.stdout.buffer.write(made.getvalue())


if __name__ == "__main__":
    main()
