"""Who sends: the signature of a request checked against the sender's key, and its nonce used once."""

from __future__ import annotations

import functools
import hashlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Response, g, request
from flask.typing import ResponseReturnValue
from sqlalchemy import or_, select, text, update
from sqlalchemy.orm import Session

from ingestion_adapters.defence.guard import Busy, Guard
from ingestion_adapters.defence.queries import limits_of
from ingestion_adapters.defence.rules import Limits
from ingestion_adapters.defence.sentences import busy_sentence
from ingestion_adapters.defence.services import Evidence, cut_key
from ingestion_adapters.http.bodies import BODY_BYTES
from ingestion_adapters.signing import SM2_SM3, in_window, matches, matches_sm2, string_to_sign, well_formed
from portal.accounts.keys import open_key
from portal.accounts.models import ApiKey
from portal.config import Settings
from portal.core.actor import CITY, Actor, Scope
from portal.core.clock import utc_now
from portal.core.db import transaction
from portal.core.logs import request_id
from portal.core.web import problem, settings

log = logging.getLogger(__name__)
PROGRAM_PERMISSION = "program"
KEY_CACHE_S = 5.0
KEY_CACHE_SIZE = 2000
USED_EVERY_S = 60.0
_CHUNK = 256 * 1024
_DUMMY_KEY = hashlib.new("sm3", b"no such program").digest()
# The example key of GB/T 32918.5 A.2: an unknown program costs a check like any other.
_DUMMY_POINT = bytes.fromhex(
    "0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
    "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
)

View = Callable[..., ResponseReturnValue]


@dataclass(frozen=True)
class ProgramKey:
    """A program's key as cached for a few seconds."""

    id: int
    enterprise_id: int
    algorithm: str
    key: bytes
    limits: Limits = Limits()
    sandbox: bool = False


@dataclass(frozen=True)
class Sender:
    """The program that signed a request, its nonce, and the body as sent; no bytes when the body is too large."""

    enterprise_id: int
    app_id: str
    nonce: str
    body: bytes | None
    body_sm3: str
    body_bytes: int
    limits: Limits = Limits()


@dataclass(frozen=True)
class HandedOn:
    """A push that was taken up before the application and failed there: who sent it, and the failure to answer."""

    sender: Sender
    actor: Actor
    failure: Exception


HANDED_ON = "ranjian.push"  # in a request's environment, where no header can come
_keys: dict[str, tuple[float, ProgramKey | None]] = {}
_used: dict[int, float] = {}


def signed(view: View) -> View:
    """Guard a route: the request must be signed by an enterprise's program with a live key."""
    return _guarded(view)


def signed_for_sandbox(note: Callable[[ProgramKey, str, str], None]) -> Callable[[View], View]:
    """Guard a route of the sandbox: a key of the sandbox will do; `note(key, app id, code)` hears of refusals."""
    return lambda view: _guarded(view, note)


def _guarded(view: View, note: Callable[[ProgramKey, str, str], None] | None = None) -> View:
    @functools.wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> ResponseReturnValue:
        handed: HandedOn | None = request.environ.get(HANDED_ON)
        if handed is not None:
            g.sender, g.actor = handed.sender, handed.actor
            raise handed.failure
        app_id = request.headers.get("X-App-Id", "")
        busy = _in_debt(app_id)
        if busy is not None:
            return _later(busy)
        with guard().holding(min(request.content_length or BODY_BYTES, BODY_BYTES)) as full:
            if full is not None:
                return _later(full)
            refusal = _identify(app_id, note)
            return refusal if refusal is not None else view(*args, **kwargs)

    guarded.permission = PROGRAM_PERMISSION  # type: ignore[attr-defined]
    return guarded


def sender() -> Sender:
    """Return who signed this request."""
    found: Sender = g.sender
    return found


def guard() -> Guard:
    """Return this process's guard."""
    return guard_of(str(settings().data_dir))


@functools.cache
def guard_of(data_dir: str) -> Guard:
    """Return the guard that watches the disk of a data directory, one a process."""
    return Guard(data_dir)


def _in_debt(app_id: str) -> Busy | None:
    """Return how long the sender has to wait, told before its body costs anything.

    Whoever never signed from where the request comes hears nothing before it has signed: a stranger must not
    learn which app ids exist and how busy they are.
    """
    if not guard().knows(app_id, request.remote_addr or ""):
        return None
    cached = _keys.get(app_id)
    key = cached[1] if cached else None
    busy = guard().wait_of(key.enterprise_id) if key else None
    if key is not None and busy is not None:
        hits = guard().note_over(app_id, _sample(0, ""), key.limits)
        if hits:
            _cut(app_id, key, "flood", hits)
    return busy


def _later(busy: Busy) -> Response:
    answer = problem(
        busy.status, "E_QUOTA", busy_sentence(busy.reason, busy.retry_after_s), server_time=stamp(utc_now())
    )
    answer.headers["Retry-After"] = str(busy.retry_after_s)
    return answer


def _sample(size: int, body_sm3: str) -> dict[str, Any]:
    """Return what is kept of a suspicious request, so that a person can judge it afterwards."""
    return {
        "at": stamp(utc_now()),
        "address": request.remote_addr or "",
        "path": request.path[:200],
        "bytes": size,
        "body_sm3": body_sm3,
    }


def _cut(app_id: str, key: ProgramKey, kind: str, hits: int) -> None:
    """Cut a key off; every process learns of it within the time a key is remembered."""
    evidence = Evidence(kind, hits, key.limits.window_s, guard().samples_of(app_id))
    with transaction(settings(), CITY, worker=True) as session:
        done = cut_key(session, key.id, evidence, utc_now())
    _keys.pop(app_id, None)
    guard().forget(app_id)
    if done:
        log.warning("key_cut_off", extra={"key_id": key.id, "kind": kind, "hits": hits})


def _identify(app_id: str, note: Callable[[ProgramKey, str, str], None] | None = None) -> Response | None:
    """Set actor and sender of a well-signed request; return the refusal of any other."""
    now = utc_now()
    body, body_sm3, size = _read_body()
    timestamp, nonce = request.headers.get("X-Timestamp", ""), request.headers.get("X-Nonce", "")
    signature, algorithm = request.headers.get("X-Sign", ""), request.headers.get("X-Sign-Alg", "")
    shaped = well_formed(timestamp, nonce, signature, algorithm)
    known = key_of(settings(), app_id, now) if 0 < len(app_id) <= 64 else None
    found = known if shaped and known is not None and known.algorithm == algorithm else None
    texts = tuple(string_to_sign(request.method, target, timestamp, nonce, body_sm3) for target in _targets())
    right = matches_sm2 if algorithm == SM2_SM3 else matches
    if found is None:
        _refuse_as_slowly(texts, signature if shaped else "0" * 64, algorithm)
    if found is None or not right(found.key, texts, signature):
        if known is not None:
            _note_bad(app_id, known, _sample(size, body_sm3))
            if note is not None:
                note(known, app_id, "E_SIGN")
        return refusal("E_SIGN", now)
    guard().note_good(app_id, request.remote_addr or "")
    busy = guard().wait_of(found.enterprise_id)
    if busy is not None:
        return _later(busy)
    guard().charge(found.enterprise_id, found.limits, requests=1)
    if not in_window(int(timestamp), round(now.timestamp() * 1000)):
        return refusal("E_WINDOW", now)
    if found.sandbox and note is None:
        return problem(403, "E_SANDBOX_KEY", server_time=stamp(now))
    g.sender = Sender(found.enterprise_id, app_id, nonce, body, body_sm3, size, found.limits)
    g.actor = program_actor(found, app_id, request.remote_addr or "")
    return None


def _note_bad(app_id: str, key: ProgramKey, sample: dict[str, Any]) -> None:
    hits = guard().note_bad(app_id, sample, key.limits)
    if hits:
        _cut(app_id, key, "signature", hits)


def _refuse_as_slowly(texts: tuple[bytes, ...], signature: str, algorithm: str) -> None:
    """Do the work of a check, so that the time of the answer does not tell whether an app id exists."""
    if algorithm == SM2_SM3:
        matches_sm2(_DUMMY_POINT, texts, signature)
    else:
        matches(_DUMMY_KEY, texts, signature)


def program_actor(key: ProgramKey, app_id: str, address: str) -> Actor:
    """Return the actor of an enterprise's program: its own enterprise and nothing else."""
    return Actor(
        kind="program",
        id=key.id,
        name=app_id,
        scope=Scope(enterprise_ids=frozenset({key.enterprise_id})),
        address=address,
        request_id=request_id.get(),
        enterprise_id=key.enterprise_id,
    )


def refusal(code: str, now: datetime) -> Response:
    """Return a 401 that says nothing about which part was wrong, with our time for the sender's clock."""
    return problem(401, code, server_time=stamp(now))


def stamp(at: datetime) -> str:
    """Return an instant as it stands in answers."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _targets() -> tuple[str, ...]:
    """Return the request target as sent; without a query the bare `?` may be signed or not."""
    raw = str(request.environ.get("RAW_URI") or request.environ.get("REQUEST_URI") or "")
    if not raw.startswith("/"):
        raw = request.full_path if request.query_string else request.path
    return (raw,) if "?" in raw else (raw, raw + "?")


def _read_body() -> tuple[bytes | None, str, int]:
    """Return the body, its SM3 and its size; a body over the limit is digested but not kept."""
    digest, size, parts = hashlib.new("sm3"), 0, []
    while part := request.stream.read(_CHUNK):
        digest.update(part)
        size += len(part)
        if size <= BODY_BYTES:
            parts.append(part)
        else:
            parts.clear()
    return (b"".join(parts) if size <= BODY_BYTES else None), digest.hexdigest(), size


def remembered_key(app_id: str) -> ProgramKey | None:
    """Return the valid key of an app id if it was looked up within the last seconds, else None."""
    cached = _keys.get(app_id)
    return cached[1] if cached and time.monotonic() - cached[0] < KEY_CACHE_S else None


def key_of(found: Settings, app_id: str, now: datetime) -> ProgramKey | None:
    """Return the valid key of an app id, None when there is none; remembered for a few seconds."""
    cached = _keys.get(app_id)
    if cached and time.monotonic() - cached[0] < KEY_CACHE_S:
        return cached[1]
    wanted = select(ApiKey).where(
        ApiKey.app_id == app_id,
        ApiKey.revoked_at.is_(None),
        ApiKey.cut_at.is_(None),
        or_(ApiKey.valid_until.is_(None), ApiKey.valid_until > now),
    )
    with transaction(found, CITY, worker=True) as session:
        row = session.scalar(wanted)
        key = None
        if row is not None:
            key = _opened(row, found, limits_of(session, row.enterprise_id))
    if len(_keys) > KEY_CACHE_SIZE:
        _keys.clear()
    _keys[app_id] = (time.monotonic(), key)
    return key


def _opened(row: ApiKey, found: Settings, limits: Limits) -> ProgramKey | None:
    """Return the key of a row; None, and a line for the operator, when the row was changed beside the portal."""
    try:
        opened = open_key(row.key_sealed, row.app_id, found, row.algorithm, sandbox=row.sandbox)
    except ValueError:
        log.error("key_changed_beside_portal", extra={"key_id": row.id})
        return None
    return ProgramKey(row.id, row.enterprise_id, row.algorithm, opened, limits, row.sandbox)


def use_nonce(session: Session, who: Sender, now: datetime) -> bool:
    """Use a request's nonce up in this transaction; return False when it was used before."""
    done = session.execute(
        text("insert into nonce_used (app_id, nonce, at) values (:app_id, :nonce, :at) on conflict do nothing"),
        {"app_id": who.app_id, "nonce": who.nonce, "at": now},
    )
    return bool(done.rowcount)  # type: ignore[attr-defined]


def note_use(session: Session, actor: Actor, now: datetime) -> None:
    """Note that a key is in use, at most once a minute."""
    key_id = actor.id or 0
    last = _used.get(key_id)
    if last is None or time.monotonic() - last > USED_EVERY_S:
        _used[key_id] = time.monotonic()
        session.execute(update(ApiKey).where(ApiKey.id == key_id).values(used_at=now))
