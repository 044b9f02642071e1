"""Codes of meters into numbers: from the mapped file where it holds, else from the registry."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.core.db import SETTINGS
from portal.operation.meters.code_files import CodeFile, CodeRows, stamp_of, write_code_file
from portal.operation.meters.models import BLOCK
from portal.operation.meters.wire import copied_out, int_array

log = logging.getLogger(__name__)
FILE_FROM, MADE_ANEW_FROM, MADE_ANEW_SHARE = 5_000, 2_000, 0.02
ASKED_AT_ONCE, READ_AT_ONCE = 10_000, 200_000
_DIGESTS = np.dtype([("n", ">i2"), ("l0", ">i4"), ("block", ">i4"), ("l1", ">i4"), ("digest", ">i8")])
_files: dict[Path, CodeFile] = {}


def numbers_of(session: Session, enterprise_id: int, codes: Sequence[str]) -> NDArray[np.int64]:
    """Return the number of the enterprise's meter of each code, -1 for a code it has not registered."""
    file = _file_of(session, enterprise_id)
    found = np.full(len(codes), -1, np.int64)
    if file is not None and codes:
        found = file.find(codes)
        _leave_out_stale(session, file, enterprise_id, found)
    left = np.flatnonzero(found < 0)
    if left.size:
        known = _asked(session, enterprise_id, sorted({codes[n] for n in left.tolist()}))
        found[left] = [known.get(codes[n], -1) for n in left.tolist()]
    return found


def _leave_out_stale(session: Session, file: CodeFile, enterprise_id: int, found: NDArray[np.int64]) -> None:
    """Take out what the file says of blocks that have changed since; a file that is of another registry goes."""
    of = found // BLOCK
    blocks = np.unique(of[found >= 0])
    if not blocks.size:
        return
    with closing(session.connection().connection.cursor()) as cursor:
        now = copied_out(cursor, f"select block, codes from meter_block where block = any ({int_array(blocks)})", _DIGESTS)
    block = now["block"].astype(np.int64)
    stale = block[file.stale(block, now["digest"].astype(np.int64))]
    wrong = np.union1d(stale, np.setdiff1d(blocks, block))
    if not wrong.size:
        return
    found[np.isin(of, wrong)] = -1
    if wrong[0] < file.max_id // BLOCK:  # only the last block of an enterprise is still being filled
        log.warning("meter_codes_stale", extra={"enterprise_id": enterprise_id, "blocks": int(wrong.size)})
        path = _path_of(session, enterprise_id)
        if path is not None and _files.pop(path, None) is not None:
            path.unlink(missing_ok=True)


def _asked(session: Session, enterprise_id: int, codes: Sequence[str]) -> dict[str, int]:
    """Return code -> number as the registry says."""
    codes = [code for code in codes if _is_text(code)]
    known: dict[str, int] = {}
    for start in range(0, len(codes), ASKED_AT_ONCE):
        rows = session.execute(
            text("select src_code, id from gas_meter where enterprise_id = :e and src_code = any(:codes)"),
            {"e": enterprise_id, "codes": list(codes[start : start + ASKED_AT_ONCE])},
        )
        known.update((row.src_code, row.id) for row in rows)
    return known


def _is_text(code: str) -> bool:
    """Return whether the database can hold a code."""
    return "\0" not in code and (code.isascii() or not any("\ud800" <= sign <= "\udfff" for sign in code))


def _path_of(session: Session, enterprise_id: int) -> Path | None:
    settings = session.info.get(SETTINGS)
    return None if settings is None else settings.data_dir / "meters" / f"codes-{enterprise_id}.bin"


def _file_of(session: Session, enterprise_id: int) -> CodeFile | None:
    """Return the file in force: the one opened before unless another took its place."""
    path = _path_of(session, enterprise_id)
    if path is None:
        return None
    try:
        stamp = stamp_of(os.stat(path))
        file = _files.get(path)
        if file is None or file.stamp != stamp:
            file = _files[path] = CodeFile(path)
    except (OSError, ValueError, KeyError):  # none, or not one of ours: the registry knows
        _files.pop(path, None)
        return None
    return file


def index_codes(session: Session, now: datetime) -> str:
    """Make the file of one enterprise whose meters have grown beyond it; one a run, the others follow."""
    for enterprise_id in session.scalars(text("select id from enterprise order by id")).all():
        if _wants_file(session, enterprise_id):
            return f"enterprise {enterprise_id}: {make_code_file(session, enterprise_id)} codes"
    return ""


def _wants_file(session: Session, enterprise_id: int) -> bool:
    file = _file_of(session, enterprise_id)
    least = FILE_FROM if file is None else max(MADE_ANEW_FROM, round(file.rows * MADE_ANEW_SHARE))
    new = session.scalar(
        text("select count(*) from (select from gas_meter where enterprise_id = :e and id > :last limit :least) as t"),
        {"e": enterprise_id, "last": file.max_id if file is not None else 0, "least": least},
    )
    return int(new or 0) >= least


def make_code_file(session: Session, enterprise_id: int) -> int:
    """Write the file of an enterprise's codes from the registry; return how many it holds."""
    path = _path_of(session, enterprise_id)
    if path is None:
        return 0
    longest = session.scalar(
        text("select max(octet_length(src_code)) from gas_meter where enterprise_id = :e"), {"e": enterprise_id}
    )
    width = (int(longest or 1) + 7) // 8 * 8
    return write_code_file(path, width, _registered(session, enterprise_id, width))


def _registered(session: Session, enterprise_id: int, width: int) -> Iterator[CodeRows]:
    """Give the meters of an enterprise in the order of their numbers, so many at once."""
    form = np.dtype(
        [("n", ">i2"), ("l0", ">i4"), ("id", ">i4"), ("l1", ">i4"), ("digest", ">i8"), ("l2", ">i4"), ("code", f"S{width}")]
    )
    last = 0
    with closing(session.connection().connection.cursor()) as cursor:
        while True:
            query = (
                "select id, meter_code_digest(id, enterprise_id, src_code),"
                f" convert_to(src_code, 'UTF8') || decode(repeat('00', {width} - octet_length(src_code)), 'hex')"
                f" from gas_meter where enterprise_id = {int(enterprise_id)} and id > {last}"
                f" and octet_length(src_code) <= {width} order by id limit {READ_AT_ONCE}"
            )
            rows = copied_out(cursor, query, form)
            if not rows.size:
                return
            last = int(rows["id"][-1])
            yield CodeRows(
                rows["id"].astype(np.int32), np.ascontiguousarray(rows["code"]), rows["digest"].astype(np.int64)
            )


