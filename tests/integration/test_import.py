"""Real deliveries into PostGIS: good rows stored, planted defects in quarantine, topology and history kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from ingestion_adapters.files.judge import judge_delivery
from ingestion_adapters.files.store import Stored, store_delivery
from portal.core.actor import cli_actor
from portal.core.clock import utc_now
from portal.core.errors import Conflict, Invalid
from tests.factories import make_enterprise

SAMPLES = Path(__file__).parents[1] / "data" / "enterprise_samples"
TOWN = Path(__file__).parents[1] / "data" / "schutterwald" / "schutterwald.gpkg"
DELIVERIES = {
    "csv": (["管线表_gbk.csv", "管点表_gbk.csv"], "EPSG:4547"),
    "xlsx": (["管网普查成果.xlsx"], "EPSG:4547"),
    "shapefile": (["RQGX_shp_no_cpg.zip"], None),
    "geojson": (["pipes_gcj02.geojson"], "GCJ02"),
}
PLANTED = {each["管线编号"] for each in json.loads((SAMPLES / "expected.json").read_text("utf-8"))["defects"]}


def take_in(session: Session, enterprise_id: int, paths: list[Path], crs: str | None) -> Stored:
    """Judge and store one delivery."""
    judged = judge_delivery(paths, crs)
    return store_delivery(session, enterprise_id, judged, paths, door="cli", actor=cli_actor(), now=utc_now())


@pytest.mark.clause("7.2.7.6-h")
@pytest.mark.parametrize("name", DELIVERIES)
def test_a_delivery_is_stored_but_for_its_planted_defects(db: Session, name: str) -> None:
    enterprise = make_enterprise(db)
    files, crs = DELIVERIES[name]
    done = take_in(db, enterprise.id, [SAMPLES / each for each in files], crs)
    stored = set(db.scalars(text("select src_code from gas_pipe where enterprise_id = :id"), {"id": enterprise.id}))
    refused = set(
        db.scalars(
            text("select object_code from rejection where receipt_id = :id and severity = 'error'"),
            {"id": done.receipt_id},
        )
    )
    assert refused <= PLANTED
    assert len(stored) == 554 - len(refused)
    assert not stored & refused
    if name in ("csv", "xlsx"):
        assert refused == PLANTED


def test_the_survey_and_the_web_map_coordinates_meet_within_a_metre(db: Session) -> None:
    survey, web = make_enterprise(db), make_enterprise(db)
    for enterprise, name in ((survey, "csv"), (web, "geojson")):
        files, crs = DELIVERIES[name]
        take_in(db, enterprise.id, [SAMPLES / each for each in files], crs)
    far = db.scalar(
        text(
            "select max(st_distance(a.geom::geography, st_startpoint(b.geom)::geography)) from gas_node a "
            "join gas_pipe p on p.from_node_id = a.id join gas_pipe b on b.src_code = p.src_code and b.enterprise_id = :web "
            "where p.enterprise_id = :survey"
        ),
        {"survey": survey.id, "web": web.id},
    )
    assert far < 1.0


def test_the_town_grid_is_one_supplied_network(db: Session) -> None:
    enterprise = make_enterprise(db)
    done = take_in(db, enterprise.id, [TOWN], None)
    users = db.scalar(text("select count(*) from gas_user where enterprise_id = :id"), {"id": enterprise.id})
    assert (done.topology.pipes, done.topology.parts, done.topology.unfed, users) == (2559, 1, 0, 1506)


def test_the_same_delivery_twice_is_told_its_first_receipt(db: Session) -> None:
    enterprise = make_enterprise(db)
    files = [SAMPLES / each for each in DELIVERIES["csv"][0]]
    first = take_in(db, enterprise.id, files, "EPSG:4547")
    with pytest.raises(Conflict) as refused:
        take_in(db, enterprise.id, files, "EPSG:4547")
    assert refused.value.facts["receipt_id"] == first.receipt_id


def test_nothing_is_stored_while_the_coordinate_system_is_unknown(db: Session) -> None:
    enterprise = make_enterprise(db)
    with pytest.raises(Invalid, match="crs_must_be_given"):
        take_in(db, enterprise.id, [SAMPLES / "pipes_gcj02.geojson"], None)
