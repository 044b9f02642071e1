"""A day judged in the database: results, scores, findings, their closing by newer data, second persons, scopes, pages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from ingestion_adapters.quality.engine import judge_day, score_quality
from ingestion_adapters.quality.findings import Waiver, ask_waiver, decide_waiver, reply
from ingestion_adapters.quality.models import (
    QualityDue,
    QualityFinding,
    QualityResult,
    QualityRule,
    QualityScore,
    QualityStep,
)
from ingestion_adapters.quality.ruleset import Proposal, decide, install_rules, propose, versions_of
from portal.accounts.models import Enterprise
from portal.accounts.rights import Role
from portal.core.actor import Actor, Scope
from portal.core.clock import day_bounds
from portal.core.errors import Conflict, Invalid, NotAllowed
from portal.operation.telemetry.models import Point, ReadingHour
from portal.supply.models import DailySupply
from tests.factories import make_enterprise, make_point
from tests.people import browser_of, make_person

DAY = date(2026, 11, 20)
NOW = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def hours(session: Session, point: Point, day: date, *, readings: int = 12, valid: int = 12, value: float | None = None) -> None:
    """Write a day's hourly figures of a point; a given value stands still."""
    begin = day_bounds(day)[0]
    for n in range(24):
        mean = value if value is not None else 2.0 + 0.1 * ((n * 7 + day.day) % 11)
        spread = 0.0 if value is not None else 0.05
        session.merge(
            ReadingHour(
                point_id=point.id, hour=begin + HOUR * n, low=mean - spread, high=mean + spread, mean=mean, last=mean,
                readings=readings, valid=valid, in_time=readings, in_limits=valid,
            )
        )  # fmt: skip
    session.flush()


def officer(number: int) -> Actor:
    return Actor(kind="user", id=number, name=f"officer {number}")


def finding(session: Session, own: Enterprise, code: str) -> QualityFinding:
    session.expire_all()
    asked = select(QualityFinding).where(QualityFinding.enterprise_id == own.id, QualityFinding.rule_code == code)
    return session.scalars(asked.order_by(QualityFinding.id.desc())).first()  # type: ignore[return-value]


@pytest.fixture
def own(db: Session) -> Enterprise:
    """Give an enterprise, with the rules in force."""
    install_rules(db, NOW)
    return make_enterprise(db)


@pytest.mark.clause("7.2.3.3_1")
@pytest.mark.clause("7.2.6.1-e_2")
def test_missing_readings_lower_completeness_and_become_a_task_that_newer_data_close(db: Session, own: Enterprise) -> None:
    good, poor = make_point(db, own), make_point(db, own)
    hours(db, good, DAY - timedelta(days=1))
    hours(db, poor, DAY - timedelta(days=1))
    hours(db, good, DAY)
    hours(db, poor, DAY, readings=6, valid=6)
    judge_day(db, DAY, NOW)
    result = db.get_one(QualityResult, (own.id, DAY, "RT-EXPECTED", "RT"))
    assert (result.checked, result.failed, result.objects_failed) == (576, 144, 1)
    assert result.worst[0]["code"] == poor.src_code
    score = db.get_one(QualityScore, (own.id, "RT", DAY, 2))
    assert score.score == pytest.approx(75.0) and not score.open_day
    opened = finding(db, own, "RT-EXPECTED")
    assert (opened.state, opened.object_id, opened.first_day) == ("open", poor.id, DAY)
    assert opened.task_no.startswith("ZL20261121") and opened.due_at > NOW + timedelta(days=2)
    judge_day(db, DAY, NOW)
    assert finding(db, own, "RT-EXPECTED").days == 1
    assert db.scalar(select(func.count()).select_from(QualityFinding).where(QualityFinding.enterprise_id == own.id)) == 1
    hours(db, poor, DAY + timedelta(days=1))
    hours(db, good, DAY + timedelta(days=1))
    judge_day(db, DAY + timedelta(days=1), NOW + timedelta(days=1))
    closed = finding(db, own, "RT-EXPECTED")
    assert (closed.state, closed.closed_by_day) == ("closed", DAY + timedelta(days=1))
    actions = db.scalars(select(QualityStep.action).where(QualityStep.finding_id == closed.id).order_by(QualityStep.id)).all()
    assert actions == ["open", "close"]


@pytest.mark.clause("9.2.2.4")
def test_corrected_data_of_the_same_day_close_a_finding_too(db: Session, own: Enterprise) -> None:
    point = make_point(db, own)
    hours(db, point, DAY - timedelta(days=1))
    hours(db, point, DAY, valid=3)
    judge_day(db, DAY, NOW)
    assert finding(db, own, "RT-VALID").state == "open"
    hours(db, point, DAY)
    judge_day(db, DAY, NOW + HOUR)
    assert finding(db, own, "RT-VALID").state == "closed"


def test_a_stuck_gauge_beside_moving_ones_is_found_a_resting_group_is_not(db: Session, own: Enterprise) -> None:
    points = [make_point(db, own) for _ in range(4)]
    still = make_enterprise(db)
    resting = [make_point(db, still) for _ in range(2)]
    for day in (DAY - timedelta(days=1), DAY):
        for point in points[1:]:
            hours(db, point, day)
        hours(db, points[0], day, value=2.345)
        for point in resting:
            hours(db, point, day, value=2.0)
    judge_day(db, DAY, NOW)
    found = finding(db, own, "FLAT-LINE")
    assert found.object_id == points[0].id and found.figures["flat_h"] >= 24
    assert finding(db, still, "FLAT-LINE") is None


def test_a_copied_day_is_found(db: Session, own: Enterprise) -> None:
    point = make_point(db, own)
    for back in (2, 1, 0):
        hours(db, point, DAY - timedelta(days=back))
    judge_day(db, DAY - timedelta(days=2), NOW)
    judge_day(db, DAY - timedelta(days=1), NOW)
    begin, before = day_bounds(DAY)[0], day_bounds(DAY - timedelta(days=2))[0]
    db.execute(
        text(
            "update reading_hour n set mean = o.mean, low = o.low, high = o.high from reading_hour o"
            " where n.point_id = :p and o.point_id = :p and o.hour = n.hour - interval '2 days'"
            " and n.hour >= :begin and n.hour < :begin + interval '1 day' and o.hour >= :before"
        ),
        {"p": point.id, "begin": begin, "before": before},
    )
    judge_day(db, DAY, NOW)
    assert finding(db, own, "COPIED-DAY").figures["same_as"] == [(DAY - timedelta(days=2)).isoformat()]


@pytest.mark.clause("7.2.3.1-t_2")
def test_late_hours_and_corrected_daily_figures_make_their_day_due(db: Session, own: Enterprise) -> None:
    db.execute(text("insert into rollup_day_due (day, starts_at_h) values (:day, 0)"), {"day": DAY})
    other = DAY - timedelta(days=3)
    db.add(DailySupply(enterprise_id=own.id, gas_day=other, purchased_m3=100.0, sold_m3=97.0, receipt_id=1))
    db.flush()
    due = set(db.scalars(select(QualityDue.day)))
    assert {DAY, other} <= due


def test_a_daily_report_that_never_came_is_found_after_it_was_due(db: Session, own: Enterprise) -> None:
    db.add(DailySupply(enterprise_id=own.id, gas_day=DAY - timedelta(days=1), purchased_m3=100.0, sold_m3=97.0, receipt_id=1))
    db.flush()
    early = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)
    judge_day(db, DAY, early)
    assert finding(db, own, "DAY-FILED") is None
    judge_day(db, DAY, NOW)
    assert finding(db, own, "DAY-FILED").dataset == "DAY"


def test_the_running_day_scores_but_opens_no_finding(db: Session, own: Enterprise) -> None:
    point = make_point(db, own)
    hours(db, point, DAY - timedelta(days=1))
    hours(db, point, DAY, readings=2, valid=2)
    judge_day(db, DAY, day_bounds(DAY)[0] + 12 * HOUR)
    assert db.get_one(QualityScore, (own.id, "RT", DAY, 2)).open_day
    assert finding(db, own, "RT-EXPECTED") is None


def test_the_job_judges_today_and_days_that_fell_due(db: Session, own: Enterprise) -> None:
    point = make_point(db, own)
    hours(db, point, DAY - timedelta(days=1))
    hours(db, point, DAY)
    db.execute(text("delete from rollup_due"))
    db.execute(text("delete from quality_due"))
    db.add(QualityDue(day=DAY - timedelta(days=1)))
    db.flush()
    score_quality(db, NOW)
    days = set(db.scalars(select(QualityScore.day).where(QualityScore.enterprise_id == own.id)))
    assert {DAY, DAY - timedelta(days=1)} <= days
    assert db.scalar(select(func.count()).select_from(QualityDue).where(QualityDue.day <= DAY)) == 0


def changed(rule: QualityRule, **more: float) -> Proposal:
    return Proposal(dict(rule.parameters) | more, rule.weight, rule.severity, "样本显示阈值过松")


@pytest.mark.clause("7.3.1.5-a")
def test_a_new_version_needs_a_second_person_and_retires_the_first(db: Session, own: Enterprise, app: Flask) -> None:
    first, second = (make_person(db, app).id for _ in range(2))
    present = versions_of(db, "RT-EXPECTED")[0]
    made = propose(db, "RT-EXPECTED", changed(present, least=0.9), now=NOW, actor=officer(first))
    with pytest.raises(NotAllowed):
        decide(db, made.id, approve=True, note="", now=NOW, actor=officer(first))
    with pytest.raises(Conflict):
        propose(db, "RT-EXPECTED", changed(present, least=0.8), now=NOW, actor=officer(second))
    decide(db, made.id, approve=True, note="同意", now=NOW, actor=officer(second))
    versions = versions_of(db, "RT-EXPECTED")
    assert [(each.version, each.state) for each in versions[:2]] == [(2, "in_force"), (1, "retired")]
    assert versions[0].parameters["least"] == 0.9 and versions[1].valid_to == NOW


@pytest.mark.parametrize("bad", [{"least": float("nan")}, {"least": 0.999}, {"unknown": 1.0}, {}])
def test_a_version_out_of_bounds_or_failing_its_examples_is_not_even_proposed(
    db: Session, own: Enterprise, bad: dict[str, float]
) -> None:
    present = versions_of(db, "RT-EXPECTED")[0]
    with pytest.raises(Invalid):
        propose(db, "RT-EXPECTED", changed(present, **bad), now=NOW, actor=officer(1))


def test_nobody_but_a_second_person_waives_and_a_waiver_ends(db: Session, own: Enterprise, app: Flask) -> None:
    first, second = (make_person(db, app).id for _ in range(2))
    point = make_point(db, own)
    hours(db, point, DAY - timedelta(days=1))
    hours(db, point, DAY, readings=3)
    judge_day(db, DAY, NOW)
    number = finding(db, own, "RT-EXPECTED").id
    ask_waiver(db, number, words="测点已批准停用检修", now=NOW, actor=officer(first))
    with pytest.raises(NotAllowed):
        decide_waiver(db, number, Waiver(True, "同意"), now=NOW, actor=officer(first))
    decide_waiver(db, number, Waiver(True, "同意", days=1), now=NOW, actor=officer(second))
    assert finding(db, own, "RT-EXPECTED").state == "waived"
    following = DAY + timedelta(days=3)
    hours(db, point, following, readings=3)
    judge_day(db, following, NOW + timedelta(days=3))
    assert finding(db, own, "RT-EXPECTED").state == "open"


def test_an_answer_comes_from_the_enterprise_only_and_does_not_close(db: Session, own: Enterprise) -> None:
    point = make_point(db, own)
    hours(db, point, DAY - timedelta(days=1))
    hours(db, point, DAY, readings=3)
    judge_day(db, DAY, NOW)
    number = finding(db, own, "RT-EXPECTED").id
    with pytest.raises(NotAllowed):
        reply(db, number, words="不是我们", now=NOW, actor=officer(1))
    theirs = Actor("program", 1, "app", scope=Scope(enterprise_ids=frozenset({own.id})), enterprise_id=own.id)
    reply(db, number, words="采集器断电，已恢复", now=NOW, actor=theirs)
    assert finding(db, own, "RT-EXPECTED").state == "answered"


def test_steps_are_never_changed(db: Session, own: Enterprise) -> None:
    point = make_point(db, own)
    hours(db, point, DAY - timedelta(days=1))
    hours(db, point, DAY, readings=3)
    judge_day(db, DAY, NOW)
    with pytest.raises(ProgrammingError, match="permission denied|never changed"):
        db.execute(text("update quality_step set note = 'x'"))


@pytest.fixture
def seen(app: Flask, committed: Callable[..., object]) -> dict[str, object]:
    """Give a committed finding with its enterprise and browsers of a regulator, its manager and a stranger."""

    def work(session: Session) -> dict[str, object]:
        mine, other = make_enterprise(session), make_enterprise(session)
        install_rules(session, NOW)
        point = make_point(session, mine)
        hours(session, point, DAY - timedelta(days=1))
        hours(session, point, DAY, readings=3)
        judge_day(session, DAY, NOW)
        manager = make_person(session, app, Role.ENTERPRISE_MANAGER, enterprise_id=mine.id)
        stranger = make_person(session, app, Role.ENTERPRISE_MANAGER, enterprise_id=other.id)
        return {
            "id": finding(session, mine, "RT-EXPECTED").id,
            "name": mine.short_name,
            "enterprise": mine.id,
            "city": browser_of(session, app, make_person(session, app)),
            "own": browser_of(session, app, manager),
            "stranger": browser_of(session, app, stranger),
        }

    return committed(work)  # type: ignore[return-value]


@pytest.mark.clause("7.2.1.2-a")
def test_from_a_score_to_the_failing_rows_is_one_page_and_the_finding_one_more(seen: dict[str, object]) -> None:
    city, own = seen["city"], seen["own"]
    board = city.get(f"/intake/quality?day={DAY}&enterprise={seen['enterprise']}")  # type: ignore[attr-defined]
    behind = f"/intake/quality/behind?enterprise={seen['enterprise']}&amp;day={DAY}&amp;dataset=RT&amp;quality=2"
    assert board.status_code == 200 and behind in board.text
    page = city.get(behind.replace("&amp;", "&")).text  # type: ignore[attr-defined]
    assert "RT-EXPECTED" in page and "72" in page
    for path in ("findings", f"findings/{seen['id']}", "rules", "rules/RT-EXPECTED", "findings?view=overdue&q=%25"):
        assert city.get(f"/intake/quality/{path}").status_code == 200  # type: ignore[attr-defined]
    export = city.get(f"/intake/quality/scores.csv?since={DAY}&until={DAY}").text  # type: ignore[attr-defined]
    assert str(seen["name"]) in export
    assert own.get(f"/intake/quality/findings/{seen['id']}").status_code == 200  # type: ignore[attr-defined]


def test_an_enterprise_sees_only_its_own(seen: dict[str, object]) -> None:
    stranger = seen["stranger"]
    for path in (f"quality?day={DAY}", "quality/findings?view=all", f"quality/scores.csv?until={DAY}"):
        assert str(seen["name"]) not in stranger.get(f"/intake/{path}").text  # type: ignore[attr-defined]
    assert stranger.get(f"/intake/quality/findings/{seen['id']}").status_code == 404  # type: ignore[attr-defined]
    words = {"words": "与我无关"}
    assert stranger.post(f"/intake/quality/findings/{seen['id']}/reply", data=words).status_code == 404  # type: ignore[attr-defined]
    assert seen["own"].post(f"/intake/quality/findings/{seen['id']}/waiver", data=words).status_code == 403  # type: ignore[attr-defined]


def test_pages_answer_bad_addresses_without_an_error(seen: dict[str, object]) -> None:
    city = seen["city"]
    for path in ("quality?day=9999-99-99&enterprise=x", "quality/behind", "reconciliation?day=0001-01-01", "quality/findings?after=1_2"):
        assert city.get(f"/intake/{path}").status_code in (200, 302)  # type: ignore[attr-defined]
    assert city.get("/intake/quality/rules/NO-SUCH").status_code == 404  # type: ignore[attr-defined]
    form = {"p-least": "x", "weight": "1", "severity": "3", "reason": "无法识别"}
    assert city.post("/intake/quality/rules/RT-EXPECTED/proposals", data=form).status_code == 422  # type: ignore[attr-defined]


def test_two_officers_waive_a_finding_on_its_page_and_one_alone_cannot(
    seen: dict[str, object], app: Flask, committed: Callable[..., object]
) -> None:
    second = committed(lambda session: browser_of(session, app, make_person(session, app)))
    page, city = f"/intake/quality/findings/{seen['id']}", seen["city"]
    assert city.post(f"{page}/waiver", data={"words": "测点停用检修至月底"}).status_code == 302  # type: ignore[attr-defined]
    decision = {"words": "同意", "days": "30", "grant": "yes"}
    assert city.post(f"{page}/waiver/decision", data=decision).status_code == 403  # type: ignore[attr-defined]
    assert second.post(f"{page}/waiver/decision", data=decision | {"days": "0"}).status_code == 422  # type: ignore[attr-defined]
    assert second.post(f"{page}/waiver/decision", data=decision).status_code == 302  # type: ignore[attr-defined]
    shown = second.get(page).text  # type: ignore[attr-defined]
    assert "已豁免" in shown and "测点停用检修至月底" in shown
    assert "已豁免" in second.get("/intake/quality/findings?view=waived").text  # type: ignore[attr-defined]


@pytest.mark.clause("7.3.1.5-a")
def test_a_rule_is_changed_on_its_page_by_two_officers(
    seen: dict[str, object], app: Flask, committed: Callable[..., object]
) -> None:
    second = committed(lambda session: browser_of(session, app, make_person(session, app)))
    page, city = "/intake/quality/rules/CLOCK", seen["city"]
    form = {"p-ahead_s": "6", "p-behind_s": "120", "p-future_rows": "0", "weight": "1", "severity": "3", "reason": "与时钟规范一致"}
    assert seen["own"].post(f"{page}/proposals", data=form).status_code == 403  # type: ignore[attr-defined]
    assert city.post(f"{page}/proposals", data=form).status_code == 302  # type: ignore[attr-defined]
    asked = select(QualityRule.id).where(QualityRule.code == "CLOCK", QualityRule.state == "proposed")
    number = committed(lambda session: session.scalar(asked))
    address = f"/intake/quality/rules/proposals/{number}"
    assert city.post(address, data={"approve": "yes"}).status_code == 403  # type: ignore[attr-defined]
    assert second.post(address, data={"approve": "yes", "note": "同意"}).status_code == 302  # type: ignore[attr-defined]
    assert second.post(address, data={"approve": "no"}).status_code == 409  # type: ignore[attr-defined]
    assert "与时钟规范一致" in second.get(page).text  # type: ignore[attr-defined]
