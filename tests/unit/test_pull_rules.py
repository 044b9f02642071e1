"""Which hosts scheduled pull may ask, and when."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ingestion_adapters.pull.rules import (
    address_allowed,
    all_allowed,
    allowed_from,
    header_usable,
    host_allowed,
    next_question,
)

ALLOWED = allowed_from("scada.gas.local, 10.20.0.0/16 ,192.168.7.9")


def test_nothing_is_allowed_by_default() -> None:
    assert not allowed_from("") and not host_allowed("http://127.0.0.1/", allowed_from(""))
    assert not allowed_from("only.a.name"), "a name without a network leads nowhere"


@pytest.mark.parametrize(
    "url",
    [
        "http://10.20.3.4:9000/x?a=1",
        "https://scada.gas.local/api",
        "http://192.168.7.9/",
        "http://[::ffff:10.20.0.1]/",
    ],
)
def test_listed_hosts_may_be_asked(url: str) -> None:
    assert host_allowed(url, ALLOWED)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://169.254.169.254/latest/meta-data",
        "http://[::1]/",
        "http://localhost/",
        "http://192.168.7.8/",
        "http://scada.gas.local.evil.example/",
        "http://scada.gas.local@127.0.0.1/",
        "http://user:pw@scada.gas.local/",
        "http://scada.gas.local#@127.0.0.1/",
        "http://scada.gas.local\\@127.0.0.1/",
        "file:///etc/passwd",
        "gopher://10.20.0.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0177.0.0.1/",
        "http://ｌocalhost/",
        "http://10.20.0.1:0/",
        "http://10.20.0.1:99999/",
        "http://10.20.0.1/a b",
        "http://10.20.0.1/\r\nX: y",
        "http://",
    ],
)
def test_other_addresses_may_not(url: str) -> None:
    assert not host_allowed(url, ALLOWED)


def test_one_resolved_address_outside_spoils_all() -> None:
    assert all_allowed(["10.20.1.1", "10.20.1.2"], ALLOWED)
    assert not all_allowed(["10.20.1.1", "127.0.0.1"], ALLOWED) and not all_allowed([], ALLOWED)
    assert address_allowed("::ffff:10.20.1.1", ALLOWED) and not address_allowed("fe80::1%eth0", ALLOWED)


def test_headers_that_steer_the_connection_are_not_sent() -> None:
    assert header_usable("Authorization", "Bearer x")
    for name, value in (("Host", "x"), ("content-length", "1"), ("X\r\nY", "1"), ("X", "a\r\nb"), ("X", "é")):
        assert not header_usable(name, value)


def test_pauses_double_after_failures_up_to_an_hour() -> None:
    now = datetime(2026, 6, 1, tzinfo=UTC)
    pauses = [(next_question(now, 60, failures) - now).total_seconds() for failures in range(9)]
    assert pauses == [60, 60, 120, 240, 480, 960, 1920, 3600, 3600]
    assert (next_question(now, 86400, 5) - now).total_seconds() == 86400
