"""Reads of the evaluation: every figure comes from one of the statements in `sql/`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

SQL_FOLDER = Path(__file__).with_name("sql")

Row = dict[str, Any]


@dataclass(frozen=True)
class Window:
    """Whose figures and of which time: instants in UTC, days in city time."""

    enterprise_id: int
    begin: datetime
    until: datetime
    day_from: date
    day_to: date

    def bound(self) -> Row:
        """Return the parameters that most statements take."""
        return {"enterprise_id": self.enterprise_id, "begin": self.begin, "until": self.until}


@cache
def _statement(name: str) -> TextClause:
    due = (SQL_FOLDER / "due_points.sql").read_text(encoding="utf-8")
    return text((SQL_FOLDER / f"{name}.sql").read_text(encoding="utf-8").replace("{due_points}", due))


def _rows(session: Session, name: str, **values: Any) -> list[Row]:
    return [dict(row) for row in session.execute(_statement(name), values).mappings()]


def enterprise_facts(session: Session, enterprise_id: int) -> Row | None:
    """Return the master data of an enterprise, or None when it does not exist."""
    found = (
        session.execute(
            text(
                "select id, uscc, name, short_name, kind, status, licence_no, licence_expire_on,"
                " staff_n, certified_n from enterprise where id = :enterprise_id"
            ),
            {"enterprise_id": enterprise_id},
        )
        .mappings()
        .first()
    )
    return dict(found) if found else None


def active_enterprises(session: Session) -> list[Row]:
    """Return number and names of the enterprises in business that the scope shows."""
    found = session.execute(text("select id, name, short_name, uscc from enterprise where status = 1 order by id"))
    return [dict(row) for row in found.mappings()]


def agreed_figures(session: Session) -> dict[str, tuple[float, str]]:
    """Return the figures that replace a default, such as `D1.target` or `ack_limit_min`, with their source."""
    found = session.execute(
        text("select key, value, source from parameter where key like 'evaluation.%' or key = 'alarm.ack_limit_min'")
    )
    return {row.key.partition(".")[2]: (float(row.value), row.source) for row in found}


def data_quality(session: Session, window: Window) -> Row:
    """Return the sums behind D1-D4 and O1."""
    sums = _rows(session, "data_quality", **window.bound())[0]
    refused = session.execute(
        text(
            "select coalesce(sum(rejected), 0) as rejected from receipt where enterprise_id = :enterprise_id"
            " and dataset = 'RT' and received_at >= :begin and received_at < :until"
        ),
        window.bound(),
    ).scalar_one()
    return sums | {"rejected": refused}


def static_deliveries(session: Session, window: Window) -> Row:
    """Return records delivered and refused of network, user and master data up to the end of the period."""
    found = (
        session.execute(
            text(
                "select count(*) as deliveries, coalesce(sum(rows), 0) as rows, coalesce(sum(rejected), 0) as rejected"
                " from receipt where enterprise_id = :enterprise_id and dataset in ('NET', 'USR', 'ENT')"
                " and status = 'taken' and received_at < :until"
            ),
            window.bound(),
        )
        .mappings()
        .one()
    )
    return dict(found)


def rejection_causes(session: Session, window: Window, rows: int) -> list[Row]:
    """Return why rows were refused in the period: data set, code, rule and count, most frequent first."""
    found = session.execute(
        text(
            "select r.dataset, j.code, coalesce(j.rule, '') as rule, coalesce(j.field, '') as field, count(*) as n"
            " from rejection j join receipt r on r.id = j.receipt_id"
            " where r.enterprise_id = :enterprise_id and j.severity = 'error'"
            " and r.received_at >= :begin and r.received_at < :until"
            " group by 1, 2, 3, 4 order by n desc, 1, 2, 3, 4 limit :rows"
        ),
        window.bound() | {"rows": rows},
    )
    return [dict(row) for row in found.mappings()]


def weak_points(session: Session, window: Window, *, order_by: str, rows: int) -> list[Row]:
    """Return the points that cost most online time (`online`) or pressure compliance (`pressure`)."""
    return _rows(session, "weak_points", **window.bound(), order_by=order_by, rows=rows)


def hours(session: Session, window: Window) -> list[Row]:
    """Return expected, received, valid and timely readings for each day and hour of the period."""
    return _rows(session, "hours", **window.bound())


def alarm_counts(session: Session, window: Window, ack_limit_min: float) -> Row:
    """Return the counts behind A1 and A3."""
    return _rows(session, "alarms", **window.bound(), ack_limit_min=int(ack_limit_min))[0]


def alarms_by_day(session: Session, window: Window) -> list[Row]:
    """Return the number of alarms for each city day and level."""
    found = session.execute(
        text(
            "select (raised_at at time zone 'Asia/Shanghai')::date as day, level, count(*) as n from alarm_now"
            " where enterprise_id = :enterprise_id and raised_at >= :begin and raised_at < :until"
            " group by 1, 2 order by 1, 2"
        ),
        window.bound(),
    )
    return [dict(row) for row in found.mappings()]


def alarms_by_kind(session: Session, window: Window) -> list[Row]:
    """Return the number of alarms for each kind, most frequent first."""
    found = session.execute(
        text(
            "select kind, count(*) as n, count(*) filter (where level <= 2) as grave from alarm_now"
            " where enterprise_id = :enterprise_id and raised_at >= :begin and raised_at < :until"
            " group by kind order by n desc, kind"
        ),
        window.bound(),
    )
    return [dict(row) for row in found.mappings()]


def case_counts(session: Session, window: Window) -> Row:
    """Return the counts behind A2."""
    return _rows(session, "cases", **window.bound())[0]


def late_cases(session: Session, window: Window, rows: int) -> list[Row]:
    """Return the cases overdue or closed late in the period, longest overdue first."""
    found = session.execute(
        text(
            "select case_no, title, level, state, due_at, closed_at from supervision_case"
            " where enterprise_id = :enterprise_id and state not in (12, 90) and due_at >= :begin"
            " and due_at < :until and (closed_at is null or closed_at > due_at) order by due_at limit :rows"
        ),
        window.bound() | {"rows": rows},
    )
    return [dict(row) for row in found.mappings()]


def leaks(session: Session, window: Window, repair_limit_h: float) -> list[Row]:
    """Return the true gas leak alarms of the period with their repair time."""
    return _rows(session, "leaks", **window.bound(), repair_limit_h=int(repair_limit_h))


def supply_sums(session: Session, window: Window) -> Row:
    """Return the volumes of the period and the linepack at both ends, m³."""
    return _rows(
        session,
        "supply",
        enterprise_id=window.enterprise_id,
        day_from=window.day_from,
        day_to=window.day_to,
    )[0]


def supply_by_day(session: Session, window: Window) -> list[Row]:
    """Return purchased and sold volume of each gas day, m³."""
    found = session.execute(
        text(
            "select gas_day as day, purchased_m3, sold_m3 from daily_supply where enterprise_id = :enterprise_id"
            " and gas_day between :day_from and :day_to order by gas_day"
        ),
        {
            "enterprise_id": window.enterprise_id,
            "day_from": window.day_from,
            "day_to": window.day_to,
        },
    )
    return [dict(row) for row in found.mappings()]


def network_lengths(session: Session, enterprise_id: int) -> list[Row]:
    """Return km of mains by pressure class, material and decade."""
    return _rows(session, "network", enterprise_id=enterprise_id)


def facilities(session: Session, enterprise_id: int, *, checked_since: date, other_checked_since: date) -> Row:
    """Return counts of facilities and users, and of users checked since the given days."""
    return _rows(
        session,
        "facilities",
        enterprise_id=enterprise_id,
        checked_since=checked_since,
        other_checked_since=other_checked_since,
    )[0]


def old_pipes(session: Session, enterprise_id: int, *, before_year: int, rows: int) -> list[Row]:
    """Return the longest mains of grey cast iron or installed before a year."""
    found = session.execute(
        text(
            "select src_code, material, pressure_class, install_year, road_name, length_m from gas_pipe"
            " where enterprise_id = :enterprise_id and status in (2, 3)"
            " and (material = 30 or install_year < :before_year)"
            " order by (material = 30) desc, length_m desc, src_code limit :rows"
        ),
        {"enterprise_id": enterprise_id, "before_year": before_year, "rows": rows},
    )
    return [dict(row) for row in found.mappings()]


def sample_points(session: Session, window: Window, rows: int) -> list[Row]:
    """Return points for the field check, drawn by a digest so that the same period gives the same sample."""
    found = session.execute(
        text(
            "select p.src_code, p.name, p.object_code, p.unit, last.hour, last.mean from point p"
            " left join lateral (select hour, mean from reading_hour r where r.point_id = p.id"
            "   and r.hour >= :begin and r.hour < :until and r.valid > 0 order by r.hour desc limit 1) last on true"
            " where p.enterprise_id = :enterprise_id and p.status in (2, 3)"
            " order by md5(p.src_code || :seed) limit :rows"
        ),
        window.bound() | {"seed": window.day_from.isoformat(), "rows": rows},
    )
    return [dict(row) for row in found.mappings()]


def last_day_with_data(session: Session) -> datetime | None:
    """Return the begin of the newest hour with figures, or None."""
    found: datetime | None = session.execute(text("select max(hour) from reading_hour")).scalar()
    return found


def map_pipes(session: Session, enterprise_id: int, tolerance_deg: float) -> list[Row]:
    """Return one simplified GeoJSON shape of mains for each pressure class."""
    return _rows(session, "map_pipes", enterprise_id=enterprise_id, tolerance_deg=tolerance_deg)
