"""One question to an enterprise's server: to an allowed and pinned address only, no redirects, bounded in time and size."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from ingestion_adapters.http.bodies import BODY_BYTES
from ingestion_adapters.pull.rules import Allowed, all_allowed, host_allowed, parts_of

CONNECT_S = 5.0
READ_S = 20.0
WHOLE_S = 60.0
_CHUNK = 64 * 1024


class NotFetched(Exception):
    """The question failed; `why` is a key of the sentences, `status` what the server said."""

    def __init__(self, why: str, status: int | None = None) -> None:
        """Keep the reason."""
        super().__init__(why)
        self.why, self.status = why, status


@dataclass(frozen=True)
class Fetched:
    """What a server answered."""

    status: int
    body: bytes
    content_type: str
    encoding: str


def ask(
    url: str,
    cursor: str,
    header: tuple[str, str] | None,
    allowed: Allowed,
    notice: Mapping[str, str] | None = None,
) -> Fetched:
    """Return the answer of a source from a cursor on; raise NotFetched.

    `notice` are the headers that tell the source's operator of a retirement.
    """
    parts = parts_of(url)
    if parts is None or not host_allowed(url, allowed):
        raise NotFetched("pull_host")
    address = pinned_address(parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80), allowed)
    connection = connection_to(parts.scheme, parts.hostname or "", address)
    target = _target(url, cursor)
    headers = {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": "ranjian-pull/1"}
    headers |= notice or {}
    if header is not None:
        headers[header[0]] = header[1]
    with bounded(connection):
        connection.request("GET", target, headers=headers)
        reply = connection.getresponse()
        if reply.status != http.client.OK:
            raise NotFetched("pull_redirect" if 300 <= reply.status < 400 else "pull_status", reply.status)
        body = _read(reply)
        kind = (reply.getheader("Content-Type") or "").partition(";")[0].strip().lower()
        return Fetched(reply.status, body, kind, (reply.getheader("Content-Encoding") or "").strip().lower())


@contextlib.contextmanager
def bounded(connection: http.client.HTTPConnection) -> Iterator[None]:
    """Close a connection afterwards, and end it when all of it takes too long; raise NotFetched for every failure."""
    end = time.monotonic() + WHOLE_S
    # An answer that ends with its connection takes the socket away from it, so the socket itself is kept.
    limit = threading.Timer(WHOLE_S, _cut_off, (connection.sock,))
    limit.daemon = True
    limit.start()
    try:
        yield
        if time.monotonic() > end:  # the timer ended it: what came until then is no answer
            raise NotFetched("pull_slow")
    except TimeoutError as slow:
        raise NotFetched("pull_slow") from slow
    except (OSError, http.client.HTTPException, ValueError) as broken:
        raise NotFetched("pull_slow" if time.monotonic() > end else "pull_away") from broken
    finally:
        limit.cancel()
        connection.close()


def _cut_off(line: socket.socket | None) -> None:
    """End a connection that drips its answer, whatever is being waited for."""
    if line is not None:
        with contextlib.suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)


def pinned_address(host: str, port: int, allowed: Allowed) -> tuple[str, int]:
    """Return the one address that is asked; raise NotFetched when the name leads anywhere that is not allowed."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    except (OSError, UnicodeError) as unknown:
        raise NotFetched("pull_unknown_host") from unknown
    addresses = [str(entry[4][0]) for entry in found]
    if not all_allowed(addresses, allowed):
        raise NotFetched("pull_host")
    return addresses[0], port


def connection_to(scheme: str, host: str, address: tuple[str, int]) -> http.client.HTTPConnection:
    """Return a connection to the address itself: a name that changes meanwhile leads nowhere else."""
    connection = http.client.HTTPConnection(host, address[1], timeout=READ_S)
    try:
        plain = socket.create_connection(address, timeout=CONNECT_S)
    except OSError as away:
        raise NotFetched("pull_away") from away
    plain.settimeout(READ_S)
    if scheme == "https":
        try:
            connection.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=host)
        except (OSError, ValueError) as untrusted:
            with contextlib.suppress(OSError):
                plain.close()
            raise NotFetched("pull_tls") from untrusted
    else:
        connection.sock = plain
    return connection


def _target(url: str, cursor: str) -> str:
    parts = urlsplit(url)
    path = parts.path or "/"
    query = parts.query
    if cursor:
        query = f"{query}&" if query else ""
        query += f"since={quote(cursor, safe='')}"
    return f"{path}?{query}" if query else path


def _read(reply: http.client.HTTPResponse) -> bytes:
    """Return the whole body; a server that drips it for more than a minute is given up."""
    end = time.monotonic() + WHOLE_S
    parts: list[bytes] = []
    size = 0
    while part := reply.read1(_CHUNK):
        size += len(part)
        if size > BODY_BYTES:
            raise NotFetched("pull_large")
        if time.monotonic() > end:
            raise NotFetched("pull_slow")
        parts.append(part)
    if reply.length:
        raise NotFetched("pull_away")
    return b"".join(parts)
