"""One mail about an alarm through the city's own SMTP server, with the server's answer as receipt."""

from __future__ import annotations

import contextlib
import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from urllib.parse import unquote, urlsplit

from portal.core.clock import local, utc_now

TIMEOUT_S = 15.0
PORTS = {"smtp": 25, "smtps": 465, "smtp+starttls": 587}
ANSWER_CHARS = 300


class NotSent(Exception):
    """A mail that the server did not take; the message says why in plain words."""


@dataclass(frozen=True)
class MailServer:
    """Where mails are handed in, and from whom they come."""

    scheme: str
    host: str
    port: int
    user: str
    password: str
    sender: str


def server_from(url: str, sender: str) -> MailServer | None:
    """Return the server of a setting `scheme://user:password@host:port`; None when it is empty or cannot be read."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in PORTS or not parts.hostname:
        return None
    return MailServer(
        parts.scheme, parts.hostname, port or PORTS[parts.scheme], unquote(parts.username or ""),
        unquote(parts.password or ""), sender,
    )  # fmt: skip


def send_mail(server: MailServer, to: str, subject: str, body: str) -> str:
    """Hand in one mail; return what the server answered. Raise NotSent with the reason otherwise."""
    try:
        link = _connected(server)
        try:
            return _handed_in(link, server, to, _message(server, to, subject, body))
        finally:
            link.close()
    except (OSError, smtplib.SMTPException) as broken:
        raise NotSent(f"{type(broken).__name__}: {broken}"[:ANSWER_CHARS]) from broken


def _connected(server: MailServer) -> smtplib.SMTP:
    if server.scheme == "smtps":
        link: smtplib.SMTP = smtplib.SMTP_SSL(
            server.host, server.port, timeout=TIMEOUT_S, context=ssl.create_default_context()
        )
    else:
        link = smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_S)
    if server.scheme == "smtp+starttls":
        link.starttls(context=ssl.create_default_context())
    link.ehlo()
    if server.user:
        link.login(server.user, server.password)
    return link


def _handed_in(link: smtplib.SMTP, server: MailServer, to: str, message: EmailMessage) -> str:
    steps: tuple[Callable[[], tuple[int, bytes]], ...] = (
        lambda: link.mail(server.sender),
        lambda: link.rcpt(to),
        lambda: link.data(message.as_bytes(policy=SMTP)),
    )
    taken = ""
    for step in steps:
        code, said = step()
        taken = f"{code} {said.decode('utf-8', 'replace')}"[:ANSWER_CHARS]
        if code not in (250, 251):
            raise NotSent(taken)
    with contextlib.suppress(smtplib.SMTPException, OSError):  # the mail is taken; how the talk ends is no matter
        link.quit()
    return taken


def _message(server: MailServer, to: str, subject: str, body: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"] = server.sender, to
    message["Subject"] = " ".join(subject.split())
    message["Date"] = format_datetime(local(utc_now()))
    message["Message-ID"] = make_msgid(domain=server.sender.rpartition("@")[2] or "localhost")
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(body)
    return message
