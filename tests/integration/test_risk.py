"""Risk of stored segments: what is gathered, kept, noted as due, released and seen by whom."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from gis.crs import STORAGE_SRID
from gis.risk.defaults import VERSION_1
from gis.risk.formulas import heat_radius_m
from gis.risk.models import RiskBuilding, RiskChange, RiskModel, RiskOverbuild, RiskSegment, RiskStation
from gis.risk.scoring import Inputs, score
from portal.config import Settings
from portal.core.actor import CITY, Actor, Scope
from portal.core.db import transaction
from portal.core.errors import Conflict, Invalid
from portal.safety.risk.compute import compute_all, compute_some
from portal.safety.risk.jobs import cell_boxes, recompute_risk
from portal.safety.risk.labels import inputs_of
from portal.safety.risk.model_queries import model_numbered, released_model, released_version
from portal.safety.risk.queries import SegmentFilter, find_segment, overbuilds, segments_page
from portal.safety.risk.services import change_draft, draft_model, rehearse, release
from portal.safety.risk.zones import sites_in_zones
from tests import factories
from tests.factories import make_enterprise, make_station, place

NOW = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
# A place of our own: other tests leave pipes where the factories put them.
LON, LAT = 112.9, 31.5
METRE_LON, METRE_LAT = 1 / 95_000, 1 / 110_860  # degrees a metre there
DRAFTER = Actor(kind="user", id=1, name="drafter", scope=CITY)
RELEASER = Actor(kind="user", id=2, name="releaser")


def make_pipe(session: Session, owner: Any, **given: Any) -> Any:
    """Add a pipe at our place unless another line is given."""
    return factories.make_pipe(session, owner, **{"geom": line(0, 0)} | given)


def line(east_m: float, north_m: float, long_m: float = 94.5) -> Any:
    """Return a line to the east that begins metres off the middle."""
    west, south = LON + float(east_m) * METRE_LON, LAT + float(north_m) * METRE_LAT
    made = func.ST_MakeLine(func.ST_MakePoint(west, south), func.ST_MakePoint(west + long_m * METRE_LON, south))
    return func.ST_SetSRID(made, STORAGE_SRID)


def add_building(
    session: Session,
    east_m: float,
    north_m: float,
    *,
    kind: str = "residential",
    height_m: int = 18,
    side_m: float = 20,
) -> int:
    """Add a square building whose south-west corner lies metres off the middle."""
    west, south = LON + float(east_m) * METRE_LON, LAT + float(north_m) * METRE_LAT
    return int(
        session.scalar(
            text(
                "insert into base_building (kind, height_m, geom)"
                " values (:kind, :height, st_makeenvelope(:w, :s, :e, :n, 4490)) returning id"
            ),
            {
                "kind": kind,
                "height": height_m,
                "w": west,
                "s": south,
                "e": west + side_m * METRE_LON,
                "n": south + side_m * METRE_LAT,
            },
        )
        or 0
    )


def add_user(session: Session, enterprise_id: int, east_m: float, north_m: float, households: int) -> None:
    """Add a user of so many households."""
    session.execute(
        text(
            "insert into gas_user (enterprise_id, src_code, status, geom, user_class, households, detector, adcode) values"
            " (:e, :code, 1, st_setsrid(st_makepoint(:lon, :lat), 4490), 10, :households, true, '990101')"
        ),
        {
            "e": enterprise_id, "code": f"U{east_m}_{north_m}", "lon": LON + east_m * METRE_LON, "lat": LAT + north_m * METRE_LAT,
            "households": households,
        },
    )  # fmt: skip


def add_works(session: Session, enterprise_id: int, north_m: float, *, status: int = 5, number: str = "SG1") -> int:
    """Add a works site beside the middle of the usual pipe."""
    return int(
        session.scalar(
            text(
                "insert into works_site (enterprise_id, record_no, adcode, receipt_id, project, method, found_at, status, begins_on, geom)"
                " values (:e, :number, '990101', 1, '道路开挖', 2, :at, :status, :day,"
                " st_setsrid(st_makepoint(:lon, :lat), 4490)) returning id"
            ),
            {
                "e": enterprise_id, "number": number, "at": NOW, "status": status, "day": NOW.date(), "lon": LON + 40 * METRE_LON,
                "lat": LAT + north_m * METRE_LAT,
            },
        )
        or 0
    )  # fmt: skip


def add_leak(session: Session, enterprise_id: int, pipe_id: int, at: datetime) -> None:
    """Add a leak at a pipe."""
    session.execute(
        text(
            "insert into incident (enterprise_id, record_no, adcode, receipt_id, sort, kind, occurred_at, status, description,"
            " object_type, object_id)"
            " values (:e, :number, '990101', 1, 2, 1, :at, 9, '泄漏', 'pipe', :pipe)"
        ),
        {"e": enterprise_id, "number": f"SJ{at:%Y%m%d%H%M}", "at": at, "pipe": pipe_id},
    )


def segment(session: Session, pipe_id: int) -> RiskSegment:
    """Return the stored risk of a pipe, read anew."""
    session.expire_all()
    return find_segment(session, pipe_id, scope=CITY)


def test_version_one_in_the_database_is_the_one_in_the_code(db: Session) -> None:
    first = db.scalar(select(func.min(RiskModel.id)))
    assert model_numbered(db, first).factors == VERSION_1.factors


def test_people_are_households_where_there_are_users_and_floor_area_elsewhere(db: Session) -> None:
    owner = make_enterprise(db)
    make_pipe(db, owner)
    homes, shop = add_building(db, 10, 5), add_building(db, 60, 5, kind="commercial", height_m=8)
    add_user(db, owner.id, 15, 10, 40)
    add_user(db, owner.id, 18, 12, 2)
    compute_all(db, VERSION_1, NOW)
    found = db.get(RiskBuilding, homes)
    assert (found.households, found.people_night, found.people_day) == (
        42,
        round(42 * 2.62 * 0.95),
        round(42 * 2.62 * 0.4),
    )
    area_m2 = db.scalar(text("select st_area(geom::geography) from base_building where id = :id"), {"id": shop})
    assert db.get(RiskBuilding, shop).people_day == pytest.approx(area_m2 * 2 / 20 * 0.6, abs=1)


def test_people_in_the_radius_equal_a_count_building_by_building(db: Session) -> None:
    owner = make_enterprise(db)
    pick = np.random.default_rng(3)
    pipes = [
        make_pipe(
            db,
            owner,
            geom=line(*pick.uniform(-300, 300, 2)),
            pressure_class=int(pick.integers(1, 8)),
            mop_mpa=0.3,
            od_mm=200.0,
        )
        for _ in range(25)
    ]
    for _ in range(120):
        kind = str(pick.choice(["residential", "school", "office", "hospital", "industrial"]))
        add_building(
            db,
            *pick.uniform(-400, 400, 2),
            kind=kind,
            height_m=int(pick.integers(3, 60)),
            side_m=float(pick.uniform(8, 45)),
        )
    compute_all(db, VERSION_1, NOW)
    for pipe in pipes:
        stored = segment(db, pipe.id)
        naive = db.execute(
            text(
                "select coalesce(sum(r.people_day), 0), coalesce(sum(r.people_night), 0), coalesce(sum(r.sensitive), 0),"
                " count(r.building_id)"
                " from gas_pipe p join base_building b on st_distance(p.geom::geography, b.geom::geography) <= :radius"
                " join risk_building r on r.building_id = b.id where p.id = :id"
            ),
            {"id": pipe.id, "radius": stored.radius_m},
        ).one()
        assert (stored.people_day, stored.people_night, stored.sensitive_n, stored.buildings_n) == tuple(naive)


@pytest.mark.clause("7.2.2.4-b_1")
def test_a_stored_segment_opens_into_parts_that_match_and_can_be_worked_out_again(db: Session) -> None:
    owner = make_enterprise(db)
    pipe = make_pipe(db, owner, material=11, cp_kind=0, install_year=1990, mop_mpa=0.2, joint=1, laying=1)
    add_building(db, 10, 5)
    add_works(db, owner.id, 2)
    add_leak(db, owner.id, pipe.id, NOW - timedelta(days=100))
    compute_all(db, VERSION_1, NOW)
    stored = segment(db, pipe.id)
    again = score(VERSION_1, inputs_of(stored))
    assert sum(stored.parts) == stored.log_rate
    assert stored.parts == again.parts[0].tolist()
    assert (stored.works_n, stored.leaks_n, stored.age_years) == (1, 1, 36)
    assert (stored.likelihood, stored.consequence, stored.score, stored.colour) == (
        int(again.likelihood[0]), int(again.consequence[0]), int(again.score[0]), int(again.colour[0]),
    )  # fmt: skip
    assert stored.heat_radius_m == pytest.approx(float(heat_radius_m(160.0, 200.0, hole_mm=20, flux_kw_per_m2=12.5)))


def test_works_count_within_the_control_zone_only(db: Session) -> None:
    owner = make_enterprise(db)
    low = make_pipe(db, owner, pressure_class=7, mop_mpa=0.003)
    add_works(db, owner.id, 4.9, number="near")
    add_works(db, owner.id, 5.6, number="far")
    add_works(db, owner.id, 1.0, status=7, number="done")
    compute_all(db, VERSION_1, NOW)
    assert segment(db, low.id).works_n == 1
    found = {row.record_no for row in sites_in_zones(db, CITY, 50) if row.enterprise_id == owner.id}
    assert found == {"near"}


def test_leaks_older_than_two_years_are_forgotten(db: Session) -> None:
    owner = make_enterprise(db)
    pipe = make_pipe(db, owner)
    add_leak(db, owner.id, pipe.id, NOW - timedelta(days=800))
    compute_all(db, VERSION_1, NOW)
    assert segment(db, pipe.id).leaks_n == 0
    add_leak(db, owner.id, pipe.id, NOW - timedelta(days=700))
    compute_some(db, VERSION_1, NOW, [pipe.id])
    assert segment(db, pipe.id).leaks_n == 1


def test_a_building_on_a_medium_pressure_pipe_is_told_and_one_on_a_low_pressure_pipe_is_not(db: Session) -> None:
    owner = make_enterprise(db)
    medium = make_pipe(db, owner, pressure_class=5)
    low = make_pipe(db, owner, pressure_class=7, geom=line(0, 200))
    on, beside = add_building(db, 20, -10), add_building(db, 60, 0.4)
    add_building(db, 60, 6)
    add_building(db, 20, 190)
    compute_all(db, VERSION_1, NOW)
    found = {row.RiskOverbuild.building_id: row.RiskOverbuild for row in overbuilds(db, CITY)}
    assert found.keys() == {on, beside}
    assert found[on].hard
    assert found[on].length_m == pytest.approx(20, abs=0.1)
    assert not found[beside].hard
    assert found[beside].distance_m == pytest.approx(0.4 - 0.08, abs=0.02)
    assert db.scalar(select(func.count()).select_from(RiskOverbuild).where(RiskOverbuild.pipe_id == low.id)) == 0
    assert medium.id in {each.pipe_id for each in found.values()}


def test_a_school_in_the_radius_of_a_high_pressure_pipe_makes_a_high_consequence_area(db: Session) -> None:
    owner = make_enterprise(db)
    high = make_pipe(db, owner, pressure_class=3, material=10, od_mm=323.9, mop_mpa=1.6, cp_kind=2)
    lonely = make_pipe(db, owner, pressure_class=3, material=10, geom=line(0, 3000), mop_mpa=1.6, cp_kind=2)
    add_building(db, 20, 30, kind="school", height_m=10)
    compute_all(db, VERSION_1, NOW)
    stored = segment(db, high.id)
    assert stored.radius_m == pytest.approx(40.8, abs=0.05)
    assert (stored.hca, stored.hca_why & 1, stored.c_plus) == (2, 1, 1)
    assert (segment(db, lonely.id).hca, segment(db, lonely.id).households_200m) == (0, None)


def test_lng_tanks_beside_eighty_people_are_the_worked_example(db: Session) -> None:
    owner = make_enterprise(db)
    station = make_station(db, owner, kind=4, storage_m3=300.0, geom=place(LON, LAT))
    add_building(db, 100, 100)
    add_user(db, owner.id, 110, 110, 32)
    compute_all(db, VERSION_1, NOW)
    found = db.get(RiskStation, station.id)
    assert found.people_500m == round(32 * 2.62 * 0.95)
    assert (round(found.stock_t, 1), round(found.s, 2), round(found.r, 2), found.level) == (116.1, 2.32, 5.22, 4)


def drained(session: Session) -> str:
    """Run the job."""
    return recompute_risk(session, NOW)


@pytest.mark.clause("6.2-k_3")
def test_a_new_works_site_changes_the_colour_of_what_it_touches_only(db: Session) -> None:
    owner = make_enterprise(db)
    near, far = make_pipe(db, owner, material=30), make_pipe(db, owner, material=30, geom=line(0, 500))
    add_building(db, 10, 5)
    drained(db)
    before = segment(db, near.id).log_rate
    site = add_works(db, owner.id, 2)
    said = drained(db)
    assert said.startswith("1 segments")
    stored = segment(db, near.id)
    assert stored.works_n == 1
    assert stored.log_rate - before == round(1e6 * np.log10(5))
    assert segment(db, far.id).works_n == 0
    db.execute(text("update works_site set status = 7 where id = :id"), {"id": site})
    drained(db)
    assert segment(db, near.id).log_rate == before


def test_a_site_that_moves_away_frees_the_pipe_it_stood_at(db: Session) -> None:
    owner = make_enterprise(db)
    pipe = make_pipe(db, owner)
    site = add_works(db, owner.id, 2)
    drained(db)
    assert segment(db, pipe.id).works_n == 1
    db.execute(
        text("update works_site set geom = st_setsrid(st_makepoint(113.5, 32.5), 4490) where id = :id"), {"id": site}
    )
    drained(db)
    assert segment(db, pipe.id).works_n == 0


def test_changes_of_pipes_leaks_and_users_are_followed(db: Session) -> None:
    owner = make_enterprise(db)
    pipe = make_pipe(db, owner)
    add_building(db, 10, 5)
    drained(db)
    people = segment(db, pipe.id).people_night
    add_user(db, owner.id, 15, 10, 300)
    drained(db)
    assert segment(db, pipe.id).people_night == round(300 * 2.62 * 0.95) != people
    db.execute(text("update gas_user set households = 100"))
    drained(db)
    assert segment(db, pipe.id).people_night == round(100 * 2.62 * 0.95)
    add_leak(db, owner.id, pipe.id, NOW - timedelta(days=3))
    drained(db)
    assert segment(db, pipe.id).leaks_n == 1
    db.execute(text("update gas_pipe set material = 30 where id = :id"), {"id": pipe.id})
    drained(db)
    assert segment(db, pipe.id).material == 30


def test_topology_alone_leaves_nothing_to_work_out(db: Session) -> None:
    owner = make_enterprise(db)
    pipe = make_pipe(db, owner)
    drained(db)
    db.execute(text("update gas_pipe set component = 3, fed = true where id = :id"), {"id": pipe.id})
    assert drained(db) == ""


def test_a_pipe_taken_out_loses_its_row(db: Session) -> None:
    owner = make_enterprise(db)
    pipe = make_pipe(db, owner)
    drained(db)
    assert segment(db, pipe.id)
    db.execute(text("update gas_pipe set status = 7 where id = :id"), {"id": pipe.id})
    drained(db)
    assert db.scalar(select(func.count()).select_from(RiskSegment).where(RiskSegment.pipe_id == pipe.id)) == 0


def test_working_out_some_gives_the_same_as_working_out_all(db: Session) -> None:
    owner = make_enterprise(db)
    pick = np.random.default_rng(9)
    pipes = [
        make_pipe(db, owner, geom=line(*pick.uniform(-200, 200, 2)), pressure_class=int(pick.integers(1, 8)))
        for _ in range(12)
    ]
    for _ in range(30):
        add_building(db, *pick.uniform(-250, 250, 2))
    compute_all(db, VERSION_1, NOW)
    whole = {row.pipe_id: row for row in db.execute(text("select * from risk_segment"))}
    db.execute(text("delete from risk_segment where pipe_id = any(:ids)"), {"ids": [each.id for each in pipes[:6]]})
    compute_some(db, VERSION_1, NOW, [each.id for each in pipes[:6]])
    for row in db.execute(text("select * from risk_segment")):
        known = whole[row.pipe_id]._asdict() | {"supply_households": None, "c_supply": 0}
        if row.pipe_id in {each.id for each in pipes[:6]}:
            assert row._asdict() == known | {"consequence": row.consequence, "score": row.score, "colour": row.colour,
                                             "colour_low": row.colour_low, "colour_high": row.colour_high}  # fmt: skip


def test_cells_of_users_lie_where_the_database_puts_them(db: Session) -> None:
    for lon, lat in ((112.5, 32.0), (104.06, 30.67), (-70.0, -33.4)):
        cell = db.scalar(text("select morton24(:lon, :lat) >> 8"), {"lon": lon, "lat": lat})
        west, south, east, north = cell_boxes([cell])[0]
        assert west <= lon <= east
        assert south <= lat <= north
        assert east - west == pytest.approx(360 / 2**20)


def drafted(session: Session, works: float = 20.0) -> int:
    """Draw up a draft in which open works count so many times."""
    made = draft_model(session, title="试算", reason="施工影响重估", now=NOW, actor=DRAFTER)
    change_draft(
        session,
        made.id,
        weights={},
        figures={("works", "open"): works},
        sources={"works": "本市记录"},
        now=NOW,
        actor=DRAFTER,
    )
    return made.id


def test_the_what_if_says_what_release_then_does(db: Session) -> None:
    owner = make_enterprise(db)
    for north in range(0, 400, 50):
        make_pipe(db, owner, geom=line(0, north))
    add_building(db, 10, 5)
    for number in range(3):
        add_works(db, owner.id, 50 * number + 2, number=f"SG{number}")
    drained(db)
    before = {
        row.pipe_id: (row.colour, row.length_m)
        for row in db.execute(select(RiskSegment.pipe_id, RiskSegment.colour, RiskSegment.length_m))
    }
    number = drafted(db)
    told = rehearse(db, number, now=NOW, actor=DRAFTER)
    assert all(segment(db, pipe_id).colour == colour for pipe_id, (colour, _) in before.items())
    release(db, number, now=NOW, actor=RELEASER)
    drained(db)
    changed_km = (
        sum(length for pipe_id, (colour, length) in before.items() if segment(db, pipe_id).colour != colour) / 1000
    )
    assert told["changed_km"] == pytest.approx(changed_km)
    assert told["changed_km"] > 0
    kept = db.scalars(select(RiskChange).where(RiskChange.pipe_id.in_(before), RiskChange.model_id == number)).all()
    assert {(each.model_was, each.model_id) for each in kept} == {(released_version(db).based_on, number)}
    assert sum(each.length_m for each in kept) / 1000 == pytest.approx(changed_km)
    assert released_model(db)["works"]["open"] == 20.0


def test_a_draft_that_widens_the_reach_counts_people_anew(db: Session) -> None:
    owner = make_enterprise(db)
    make_pipe(db, owner, material=30, pressure_class=7, mop_mpa=0.003)
    add_building(db, 10, 40)
    add_user(db, owner.id, 15, 45, 200)
    drained(db)
    made = draft_model(db, title="半径", reason="低压半径重估", now=NOW, actor=DRAFTER)
    change_draft(db, made.id, weights={}, figures={("reach", "class_7"): 60.0}, sources={}, now=NOW, actor=DRAFTER)
    told = rehearse(db, made.id, now=NOW, actor=DRAFTER)
    assert told["changed_n"] == 1


def test_release_needs_a_what_if_of_the_present_draft_and_another_person(db: Session) -> None:
    number = drafted(db)
    with pytest.raises(Conflict, match="risk_rehearsal_needed"):
        release(db, number, now=NOW, actor=RELEASER)
    rehearse(db, number, now=NOW, actor=DRAFTER)
    with pytest.raises(Conflict, match="risk_other_person_needed"):
        release(db, number, now=NOW, actor=DRAFTER)
    later = NOW + timedelta(minutes=5)
    change_draft(db, number, weights={"age": 0.5}, figures={}, sources={}, now=later, actor=DRAFTER)
    with pytest.raises(Conflict, match="risk_rehearsal_needed"):
        release(db, number, now=later, actor=RELEASER)


def test_a_second_draft_and_figures_that_cannot_be_used_are_refused(db: Session) -> None:
    number = drafted(db)
    with pytest.raises(Conflict, match="risk_draft_open"):
        drafted(db)
    with pytest.raises(Invalid, match="risk_figure"):
        change_draft(db, number, weights={"age": -1.0}, figures={}, sources={}, now=NOW, actor=DRAFTER)


def test_rows_of_a_released_version_cannot_be_changed_in_the_database_either(db: Session) -> None:
    with pytest.raises(DBAPIError, match="is released"), db.begin_nested():
        db.execute(text("update risk_factor set weight = 2 where key = 'age'"))


def test_changes_of_colour_are_never_changed_or_removed(owner: Session) -> None:
    mine = make_enterprise(owner)
    owner.execute(
        text(
            "insert into risk_change (pipe_id, enterprise_id, at, was, became, log_rate_was, log_rate, model_was, model_id, length_m)"
            " values (1, :e, :at, 4, 1, 0, 1, 1, 1, 10)"
        ),
        {"e": mine.id, "at": NOW},
    )
    for statement in ("update risk_change set was = 1", "delete from risk_change", "truncate risk_change"):
        with pytest.raises(DBAPIError, match="never changed or removed"), owner.begin_nested():
            owner.execute(text(statement))


def test_an_enterprise_sees_its_own_segments_only(settings: Settings, committed: Any) -> None:
    def make(session: Session) -> tuple[int, int, int]:
        mine, theirs = make_enterprise(session), make_enterprise(session)
        pipe, other = (
            make_pipe(session, mine, adcode="990101"),
            make_pipe(session, theirs, adcode="990102", geom=line(0, 60)),
        )
        compute_some(session, VERSION_1, NOW, [pipe.id, other.id])
        return mine.id, pipe.id, other.id

    mine, pipe, other = committed(make)
    asked = SegmentFilter()
    for scope, seen in ((Scope(enterprise_ids=frozenset({mine})), pipe), (Scope(adcodes=frozenset({"990102"})), other)):
        with transaction(settings, scope) as session:
            page = segments_page(session, asked, place=None, scope=scope, ageing_years=20)
            assert seen in {row.pipe_id for row in page.rows}
            assert ({pipe, other} - {seen}).isdisjoint({row.pipe_id for row in page.rows})
            # The row policy holds where a query forgets the scope.
            ids = set(session.scalars(select(RiskSegment.pipe_id)))
            assert ids & {pipe, other} == {seen}


def test_the_web_role_cannot_write_risk(settings: Settings) -> None:
    with pytest.raises(DBAPIError, match="permission denied"), transaction(settings, CITY) as session:
        session.execute(text("update risk_segment set colour = 4"))


def test_inputs_read_back_are_those_worked_out_from() -> None:
    columns = {name: 0 for name in Inputs.__dataclass_fields__ if name != "people_most"}
    row = type("Row", (), columns | {"people_day": 1, "people_evening": 7, "people_night": 3, "cp_kind": None})()
    assert inputs_of(row).people_most.tolist() == [7]
    assert inputs_of(row).cp_kind.tolist() == [-1]
