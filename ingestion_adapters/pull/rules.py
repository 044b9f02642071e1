"""When a source is asked, and which hosts may be asked at all; pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import SplitResult, urlsplit

LONGEST_PAUSE_S = 3600
FIRST_PAUSE_S = 10
CURSOR_CHARS = 512
URL_CHARS = 500
PERIOD_S = (10, 86400)
_HOST = re.compile(
    r"(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)*[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
)
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")
_NEVER_SENT = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "accept-encoding", "te", "upgrade"}
)
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True)
class Allowed:
    """The hosts by name and the networks by number that may be asked."""

    names: frozenset[str]
    networks: tuple[Network, ...]

    def __bool__(self) -> bool:
        """Return whether anything may be asked at all."""
        return bool(self.networks)


def allowed_from(words: str) -> Allowed:
    """Return what PORTAL_PULL_HOSTS allows: names, addresses and networks by commas; a name needs its network too."""
    names: set[str] = set()
    networks: list[Network] = []
    for word in filter(None, (part.strip().lower() for part in words.split(","))):
        try:
            networks.append(ipaddress.ip_network(word))
        except ValueError:
            names.add(word)
    return Allowed(frozenset(names), tuple(networks))


def plain_address(text: str) -> Address | None:
    """Return the address a host is, None for a name; an IPv4 address in IPv6 clothes counts as what it is."""
    try:
        found = ipaddress.ip_address(text.split("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def address_allowed(address: str, allowed: Allowed) -> bool:
    """Return whether a resolved address lies in an allowed network."""
    found = plain_address(address)
    return found is not None and any(found.version == net.version and found in net for net in allowed.networks)


def parts_of(url: str) -> SplitResult | None:
    """Return the parts of an address that may be asked in principle: http(s), a plain host, nothing hidden in it."""
    if len(url) > URL_CHARS or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        return None
    try:
        found = urlsplit(url)
        port = found.port
    except ValueError:
        return None
    host = found.hostname or ""
    plain = plain_address(host) is not None or bool(_HOST.fullmatch(host))
    numeric = plain_address(host) is None and host.replace(".", "").isdigit()
    hidden = found.username is not None or found.password is not None or bool(found.fragment)
    if found.scheme not in ("http", "https") or not plain or numeric or hidden or port == 0:
        return None
    return found


def host_allowed(url: str, allowed: Allowed) -> bool:
    """Return whether the host of an address is listed by name or lies in a listed network."""
    found = parts_of(url)
    if found is None:
        return False
    host = (found.hostname or "").lower()
    if plain_address(host) is not None:
        return address_allowed(host, allowed)
    return host in allowed.names


def all_allowed(addresses: Iterable[str], allowed: Allowed) -> bool:
    """Return whether every address a name stands for is allowed; one outside spoils them all."""
    found = list(addresses)
    return bool(found) and all(address_allowed(each, allowed) for each in found)


def header_usable(name: str, value: str) -> bool:
    """Return whether a header may be sent along."""
    shaped = bool(_HEADER.fullmatch(name)) and name.lower() not in _NEVER_SENT
    return shaped and 0 < len(value) <= 2000 and value.isascii() and value.isprintable()


def next_question(now: datetime, period_s: int, failures: int) -> datetime:
    """Return when a source is asked again: after its period, after failures twice as long each time up to an hour."""
    if not failures:
        return now + timedelta(seconds=period_s)
    pause = max(FIRST_PAUSE_S, period_s) * 2 ** min(failures - 1, 12)
    return now + timedelta(seconds=min(pause, max(LONGEST_PAUSE_S, period_s)))


def listed(allowed: Allowed) -> Sequence[str]:
    """Return what is allowed as words for the page."""
    return [*sorted(allowed.names), *map(str, allowed.networks)]
