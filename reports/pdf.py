"""HTML to PDF with the errors of reports."""

from __future__ import annotations

from portal.core.pdf import pdf_of, photo_in_page, refuse_every_address

__all__ = ["photo_in_page", "refuse_every_address", "render_pdf"]


def render_pdf(html: str) -> bytes:
    """Return the PDF of a self-contained page; raise Upstream when it fails or takes too long."""
    return pdf_of(html, late="report_took_too_long", failed="report_not_rendered")
