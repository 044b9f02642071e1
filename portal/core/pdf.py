"""HTML to PDF in a process of its own, so that no web worker is blocked or grows; no address is ever fetched."""

from __future__ import annotations

import base64
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

from portal.core.errors import Upstream

TIME_LIMIT_S = 90
PHOTO = "data:image/jpeg;base64,"
ROOT = Path(__file__).resolve().parents[2]


def pdf_of(
    html: str, *, late: str = "pdf_took_too_long", failed: str = "pdf_not_rendered", limit_s: int = TIME_LIMIT_S
) -> bytes:
    """Return the PDF of a self-contained page; raise Upstream with the code `late` or `failed`."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "portal.core.pdf"],
            input=html.encode(),
            capture_output=True,
            cwd=ROOT,
            timeout=limit_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Upstream(late, limit_s=limit_s) from error
    if done.returncode != 0 or not done.stdout.startswith(b"%PDF"):
        raise Upstream(failed, reason=done.stderr.decode(errors="replace")[-400:])
    return done.stdout


def refuse_every_address(url: str, *_: object, **__: object) -> NoReturn:
    """Refuse every address: a page contains all it shows."""
    raise ValueError(f"a report fetches nothing: {url[:80]}")


def photo_in_page(url: str) -> bytes:
    """Return a photo that the page itself carries as JPEG data; refuse every other address."""
    if not url.startswith(PHOTO):
        refuse_every_address(url)
    return base64.b64decode(url[len(PHOTO) :], validate=True)


def main() -> None:
    """Read HTML from standard input and write the PDF to standard output."""
    from weasyprint import HTML  # noqa: PLC0415  # only the child process pays for it
    from weasyprint.urls import URLFetcher, URLFetcherResponse  # noqa: PLC0415

    class OnlyPhotos(URLFetcher):  # type: ignore[misc]
        """Gives the photos of the page and fetches nothing."""

        def fetch(self, url: str, headers: object = None) -> URLFetcherResponse:
            """Return the photo at an address that holds it."""
            return URLFetcherResponse(url, photo_in_page(url), {"Content-Type": "image/jpeg"})

    page = HTML(string=sys.stdin.buffer.read().decode(), url_fetcher=OnlyPhotos())
    sys.stdout.buffer.write(page.write_pdf())


if __name__ == "__main__":
    main()
