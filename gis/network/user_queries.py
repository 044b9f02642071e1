"""Gas users of the graph in compact arrays: read in blocks, and brought up to date by what changed since."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from gis.network.graph import Index

Whole = NDArray[np.signedinteger]

BLOCK_BYTES = 4 * 1024 * 1024
COLUMNS = 6
# user_status 3 suspended and 4 closed take no gas.
_USERS = (
    "select id, coalesce(node_id, 0), coalesce(regulator_id, 0), user_class, households, "
    "(status not in (3, 4) and coalesce(node_id, regulator_id) is not null)::int from gas_user"
)
_TAKING = "status not in (3, 4) and coalesce(node_id, regulator_id) is not null"


def least(numbers: NDArray[np.integer]) -> Whole:
    """Return whole numbers in four bytes each where they fit, else in eight."""
    fits = not len(numbers) or (numbers.max() < 2**31 and numbers.min() >= -(2**31))
    return numbers.astype(np.int32 if fits else np.int64)


@dataclass(frozen=True)
class StoredUsers:
    """Users that take gas by number, in order: their own node or 0, their regulator or 0, class and households.

    Ten million take some 180 MB.
    """

    ids: Whole
    node: Whole
    regulator: Whole
    kind: NDArray[np.int16]
    households: Whole

    @classmethod
    def of(cls, rows: Index) -> StoredUsers:
        """Take rows of the statement above, shape (n, 6), those that take gas."""
        rows = rows[rows[:, 5] > 0]
        rows = rows[np.argsort(rows[:, 0], kind="stable")]
        return cls(least(rows[:, 0]), least(rows[:, 1]), least(rows[:, 2]), rows[:, 3].astype(np.int16), least(rows[:, 4]))

    def joined(self, other: StoredUsers) -> StoredUsers:
        """Return both together in order; their numbers differ."""
        ids = np.concatenate([self.ids, other.ids])
        order = np.argsort(ids, kind="stable")
        return StoredUsers(
            ids[order],
            np.concatenate([self.node, other.node])[order],
            np.concatenate([self.regulator, other.regulator])[order],
            np.concatenate([self.kind, other.kind])[order],
            np.concatenate([self.households, other.households])[order],
        )

    def renewed(self, rows: Index) -> StoredUsers:
        """Return the users with some rows in the place of what was known of their numbers."""
        if not len(rows):
            return self
        kept = ~np.isin(self.ids, rows[:, 0])
        rest = StoredUsers(*(each[kept] for each in (self.ids, self.node, self.regulator, self.kind, self.households)))
        return rest.joined(StoredUsers.of(rows))


class _Blocks:
    """Takes the text of a COPY and keeps whole numbers, a block at a time, so that the text is never held at once."""

    def __init__(self) -> None:
        self._parts: list[Index] = []
        self._rest = b""

    def write(self, text: bytes) -> int:
        """Take some bytes."""
        self._rest += text
        if len(self._rest) >= BLOCK_BYTES:
            cut = self._rest.rfind(b"\n") + 1
            self._take(self._rest[:cut])
            self._rest = self._rest[cut:]
        return len(text)

    def _take(self, text: bytes) -> None:
        if text:
            self._parts.append(np.fromstring(text.decode().replace("\n", ","), np.int64, sep=",").reshape(-1, COLUMNS))

    def rows(self) -> Index:
        """Return all rows."""
        self._take(self._rest)
        self._rest = b""
        return np.concatenate(self._parts) if self._parts else np.empty((0, COLUMNS), np.int64)

    def users(self) -> StoredUsers:
        """Return all rows as users, each block made compact before the next is joined."""
        self._take(self._rest)
        self._rest = b""
        made = [StoredUsers.of(part) for part in self._parts]
        self._parts = []
        if not made:
            return StoredUsers.of(np.empty((0, COLUMNS), np.int64))
        fields = ("ids", "node", "regulator", "kind", "households")
        whole = [np.concatenate([getattr(each, name) for each in made]) for name in fields]
        order = np.argsort(whole[0], kind="stable")
        return StoredUsers(*(each[order] for each in whole))


def load_users(session: Session, enterprise_id: int | None = None) -> StoredUsers:
    """Return the users that take gas within the transaction's scope, of one enterprise or of all."""
    owned = "" if enterprise_id is None else f" and enterprise_id = {int(enterprise_id)}"
    return _copied(session, f"{_USERS} where {_TAKING}{owned}").users()


def users_written_since(session: Session, since: datetime) -> Index:
    """Return rows of the users whose present state is no older than an instant; uses ix_gas_user_valid_from."""
    moment = since.isoformat()
    return _copied(session, f"{_USERS} where valid_from >= '{moment}'").rows()


def _copied(session: Session, query: str) -> _Blocks:
    held = _Blocks()
    driver = session.connection().connection.driver_connection
    with driver.cursor() as cursor:  # type: ignore[union-attr]
        cursor.copy_expert(f"copy ({query}) to stdout (format csv)", held)
    return held
