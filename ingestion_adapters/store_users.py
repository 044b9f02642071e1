"""USR: gas users, their supplying regulator and node resolved."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from ingestion_adapters.checks import Finding, Stored
from ingestion_adapters.contract import User
from ingestion_adapters.store_bulk import Target, districts_of, ids_of, points_as_text, upsert
from ingestion_adapters.store_network import NETWORK_LOCK, Numbered, unknown_reference, without_repeats

USERS = Target(
    "gas_user",
    (
        "src_code",
        "name",
        "adcode",
        "status",
        "geom",
        "user_class",
        "address",
        "regulator_id",
        "node_id",
        "households",
        "detector",
        "last_check_on",
    ),
)


def store_users(session: Session, enterprise_id: int, records: Sequence[User], receipt_id: int) -> Stored:
    """Bring users in; those that name an unknown regulator or node come back as findings."""
    session.execute(text("select pg_advisory_xact_lock(:a, :b)"), {"a": NETWORK_LOCK, "b": enterprise_id})
    findings: list[Finding] = []
    usable = without_repeats(records, lambda user: (user.user_no,), findings)
    regulators = ids_of(
        session, "gas_regulator", enterprise_id, {user.regulator for _, user in usable if user.regulator}
    )
    nodes = ids_of(session, "gas_node", enterprise_id, {user.node for _, user in usable if user.node})
    kept: Numbered = []
    for index, user in usable:
        if user.regulator is not None and user.regulator not in regulators:
            findings.append(unknown_reference(user, index, "regulator", user.regulator))
        elif user.node is not None and user.node not in nodes:
            findings.append(unknown_reference(user, index, "node", user.node))
        else:
            kept.append((index, user))
    lon = np.array([user.lon for _, user in kept], float)
    lat = np.array([user.lat for _, user in kept], float)
    rows = [
        (
            user.user_no,
            user.name_masked,
            district,
            user.status,
            shape,
            user.user_class,
            user.address,
            regulators.get(user.regulator),
            nodes.get(user.node),
            user.households,
            user.detector,
            user.last_check,
        )
        for (_, user), district, shape in zip(
            kept, districts_of(session, lon, lat), points_as_text(lon, lat), strict=True
        )
    ]
    written, known = upsert(session, USERS, enterprise_id, receipt_id, rows)
    return Stored(written, known, findings)
