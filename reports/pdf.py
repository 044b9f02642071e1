"""HTML to PDF in a process of its own, so that no web worker is blocked or grows; no address is ever fetched."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import NoReturn

from portal.core.errors import Upstream

TIME_LIMIT_S = 90
ROOT = Path(__file__).resolve().parent.parent


def render_pdf(html: str) -> bytes:
    """Return the PDF of a self-contained page; raise Upstream when it fails or takes too long."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "reports.pdf"],
            input=html.encode(),
            capture_output=True,
            cwd=ROOT,
            timeout=TIME_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        raise Upstream("report_took_too_long", limit_s=TIME_LIMIT_S) from late
    if done.returncode != 0 or not done.stdout.startswith(b"%PDF"):
        raise Upstream("report_not_rendered", reason=done.stderr.decode(errors="replace")[-400:])
    return done.stdout


def refuse_every_address(url: str, *_: object, **__: object) -> NoReturn:
    """Refuse every address: a report contains all it shows."""
    raise ValueError(f"a report fetches nothing: {url[:80]}")


def main() -> None:
    """Read HTML from standard input and write the PDF to standard output."""
    from weasyprint import HTML  # noqa: PLC0415  # only the child process pays for it

    page = HTML(string=sys.stdin.buffer.read().decode(), url_fetcher=refuse_every_address)
    sys.stdout.buffer.write(page.write_pdf())


if __name__ == "__main__":
    main()
