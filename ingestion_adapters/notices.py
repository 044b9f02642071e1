"""Alarm notices on their way out: mail through the city's own server, signed calls to allowed intranet hosts only."""

from __future__ import annotations

import secrets
import time
from datetime import datetime
from urllib.parse import urlsplit

import orjson
from sqlalchemy.orm import Session

from ingestion_adapters.checks import clean_text
from ingestion_adapters.pull.fetch import NotFetched, bounded, connection_to, pinned_address
from ingestion_adapters.pull.rules import Allowed, allowed_from, host_allowed, parts_of
from ingestion_adapters.signing import HMAC_SM3, sign, sm3_hex, string_to_sign
from portal.config import Settings
from portal.core.actor import CITY
from portal.core.clock import utc_now
from portal.core.db import transaction
from portal.operation.escalation.mail import NotSent, send_mail, server_from
from portal.operation.escalation.secrets import opened_secret
from portal.operation.escalation.services import Outgoing, claim_notice, note_outcome

NOTICES_A_TURN = 20
ANSWER_BYTES = 4096
SAID_CHARS = 300


def send_notices(session: Session, now: datetime) -> str:
    """Send the notices that are due."""
    return f"{send_due(Settings.from_env(), now)} sent"


def send_due(settings: Settings, now: datetime) -> int:
    """Send due notices one by one, each outcome kept in its own transaction; return how many were taken."""
    sent = 0
    for _ in range(NOTICES_A_TURN):
        with transaction(settings, CITY, worker=True) as session:
            claimed = claim_notice(session, now)
        if claimed is None:
            break
        took, words = carried(claimed, settings)
        with transaction(settings, CITY, worker=True) as session:
            note_outcome(session, claimed.id, sent=took, words=words, now=utc_now())
        sent += took
    return sent


def carried(notice: Outgoing, settings: Settings) -> tuple[bool, str]:
    """Carry one notice; return whether it was taken, and what the receiving server said or why there was none."""
    try:
        if notice.channel == "email":
            server = server_from(settings.smtp_url, settings.smtp_from)
            if server is None:
                return False, "mail is off: PORTAL_SMTP_URL is not set"
            return True, send_mail(server, notice.address, notice.subject, notice.body)
        return call(notice, allowed_from(settings.notice_hosts), settings)
    except NotSent as refused:
        return False, str(refused)
    except NotFetched as away:
        return False, away.why
    except ValueError:
        return False, "the key of this webhook does not open; enter it again"


def call(notice: Outgoing, allowed: Allowed, settings: Settings) -> tuple[bool, str]:
    """Call a webhook with a signed body; only 2xx counts as taken. Raise NotFetched for a host that is not allowed."""
    parts = parts_of(notice.address)
    if parts is None or not host_allowed(notice.address, allowed):
        raise NotFetched("host is not in PORTAL_NOTICE_HOSTS")
    key = opened_secret(notice.user_id, notice.secret, settings)
    body = orjson.dumps(
        {
            "notice": notice.id,
            "alarm": notice.alarm_id,
            "step": notice.step,
            "subject": notice.subject,
            "text": notice.body,
        }
    )
    port = parts.port or (443 if parts.scheme == "https" else 80)
    link = connection_to(parts.scheme, parts.hostname or "", pinned_address(parts.hostname or "", port, allowed))
    path = urlsplit(notice.address).path or "/"
    with bounded(link):
        link.request("POST", path, body, _headers(key, path, body))
        reply = link.getresponse()
        words = clean_text(reply.read(ANSWER_BYTES).decode("utf-8", "replace"), SAID_CHARS)
        return 200 <= reply.status < 300, f"{reply.status} {words}".strip()


def _headers(key: bytes, path: str, body: bytes) -> dict[str, str]:
    timestamp, nonce = str(round(time.time() * 1000)), secrets.token_hex(16)
    return {
        "Content-Type": "application/json",
        "X-Timestamp": timestamp,
        "X-Nonce": nonce,
        "X-Sign-Alg": HMAC_SM3,
        "X-Sign": sign(key, string_to_sign("POST", path, timestamp, nonce, sm3_hex(body))),
    }
