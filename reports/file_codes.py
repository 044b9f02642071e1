"""Finding verification codes in a file of unknown origin, in a process with limits on time and memory."""

from __future__ import annotations

import io
import logging
import re
import resource
import subprocess
import sys
from pathlib import Path

CODE_PATTERN = re.compile(r"RJ-[2-9A-HJ-NP-Z]{4}-[2-9A-HJ-NP-Z]{4}-[2-9A-HJ-NP-Z]{4}")
PAGES_SEARCHED = 6
CODES_TAKEN = 20
TIME_LIMIT_S = 20
CPU_LIMIT_S = 10
MEMORY_LIMIT_BYTES = 1_500_000_000
ROOT = Path(__file__).resolve().parent.parent


def codes_in(content: bytes) -> list[str]:
    """Return the codes that a file carries in its bytes, its text or its properties.

    The file may be built to exhaust a reader, so its text is read by a process of its own; what that
    process cannot find within its limits is not found.
    """
    found = set(CODE_PATTERN.findall(content.decode("latin-1")))
    try:
        done = subprocess.run(
            [sys.executable, "-m", "reports.file_codes"],
            input=content,
            capture_output=True,
            cwd=ROOT,
            timeout=TIME_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return sorted(found)[:CODES_TAKEN]
    found.update(CODE_PATTERN.findall(done.stdout.decode("latin-1")))
    return sorted(found)[:CODES_TAKEN]


def print_codes(content: bytes) -> None:
    """Write the codes of a PDF's properties and first pages to standard output as they are found."""
    from pypdf import PdfReader  # noqa: PLC0415  # only the child process pays for it
    from pypdf.errors import PyPdfError  # noqa: PLC0415  # as above

    try:
        reader = PdfReader(io.BytesIO(content))
        sys.stdout.write(" ".join(CODE_PATTERN.findall(str(dict(reader.metadata or {})))) + "\n")
        for page in reader.pages[:PAGES_SEARCHED]:
            sys.stdout.write(" ".join(CODE_PATTERN.findall(page.extract_text())) + "\n")
            sys.stdout.flush()
    except (PyPdfError, ValueError, LookupError, TypeError, AttributeError, RecursionError, MemoryError):
        # A damaged file may break the reader anywhere; what was found until then has been written.
        return


def main() -> None:
    """Read a file from standard input under limits and write the codes found."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_LIMIT_S, CPU_LIMIT_S))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT_BYTES, MEMORY_LIMIT_BYTES))
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    print_codes(sys.stdin.buffer.read())


if __name__ == "__main__":
    main()
