"""The risk pages: summary, segments, one segment, buildings over pipes, works in zones, major hazards, calibration."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, gettext
from sqlalchemy.orm import Session

from gis.basemap.queries import district_names
from gis.network.queries import find_object
from gis.risk.formulas import failure_probability
from portal.core.clock import local, utc_now
from portal.core.codes import word_of, words_of
from portal.core.exports import CsvFile
from portal.core.web import current_actor, note_export, opened, requires, web_transaction
from portal.jobs.queries import parameter_value
from portal.registers.queries import enterprise_names
from portal.safety.risk.areas import area_lines
from portal.safety.risk.calibrate import YEARS_MOST, calibration
from portal.safety.risk.forms import parse_filter, parse_offset, parse_place
from portal.safety.risk.labels import (
    colour_names,
    colour_words,
    driver_words,
    factor_lines,
    figure_words,
    hca_words,
    rate_words,
    view_words,
)
from portal.safety.risk.model_queries import model_numbered, released_model
from portal.safety.risk.queries import (
    PAGE_ROWS,
    SITES_MOST,
    Place,
    attention_counts,
    change_sums,
    changes_of,
    colour_totals,
    find_segment,
    last_run,
    overbuilds,
    place_of_pipe,
    segments_listed,
    segments_page,
    station_hazards,
    worst_drivers,
)
from portal.safety.risk.zones import sites_in_zones

blueprint = Blueprint("risk", __name__, url_prefix="/safety/risk")
FILTERS = ("colour", "class", "material", "enterprise", "district", "view", "cell", "q")
CHANGE_DAYS, OVERBUILD_MOST = 90, 100_000
AGEING_YEARS, ORANGE_PER_KM2 = 20, 3


def language() -> str:
    """Return the caller's language as the code tables know it."""
    return str(get_locale() or "zh_CN")


def _ageing(session: Session) -> int:
    return int(parameter_value(session, "risk.ageing_years", AGEING_YEARS))


def _shared() -> dict[str, Any]:
    return {
        "colours": colour_names(),
        "colour_words": colour_words(),
        "classes": words_of("pressure_class", language()),
        "materials": words_of("material", language()),
        "views": view_words(),
    }


@blueprint.get("")
@requires("safety.read")
@web_transaction
def show_risk(session: Session) -> ResponseReturnValue:
    """Show kilometres by colour, districts and grid, what makes segments grave, and what changed."""
    scope, now = current_actor().scope, utc_now()
    since = now - timedelta(days=CHANGE_DAYS)
    totals = colour_totals(session, scope)
    km = sum(each[1] for each in totals.values())
    orange = parameter_value(session, "risk.area.orange_per_km2", ORANGE_PER_KM2)
    drivers = worst_drivers(session, scope)
    return render_template(
        "risk/summary.html",
        totals={each: totals.get(each, (0, 0.0)) for each in (1, 2, 3, 4)},
        km=km,
        counts=attention_counts(session, scope, _ageing(session)),
        districts=area_lines(session, scope, orange, district_names(session, language())),
        cells=area_lines(session, scope, orange, None),
        drivers=[(driver_words()[name], n) for name, n in drivers],
        drivers_most=max((n for _, n in drivers), default=0),
        changes=changes_of(session, scope, since=since),
        moved=change_sums(session, scope, since),
        change_days=CHANGE_DAYS,
        run=last_run(session),
        orange=orange,
        **_shared(),
    )


@blueprint.get("/segments")
@requires("safety.read")
@web_transaction
def list_segments(session: Session) -> ResponseReturnValue:
    """Show the segments of a filter, the highest score first."""
    scope, wanted = current_actor().scope, parse_filter(request.args)
    page = segments_page(session, wanted, place=parse_place(request.args), scope=scope, ageing_years=_ageing(session))
    kept = {name: request.args[name] for name in FILTERS if request.args.get(name)}
    address = partial(url_for, ".list_segments", **kept)
    first, last = (page.rows[0], page.rows[-1]) if page.rows else (None, None)
    return render_template(
        "risk/segments.html",
        rows=page.rows,
        wanted=wanted,
        narrowed=bool(kept),
        links={
            "prev": address(before=_cursor(first)) if first and page.has_before else None,
            "next": address(after=_cursor(last)) if last and page.has_after else None,
        },
        export_url=url_for(".export_segments", **kept),
        enterprises=enterprise_names(session),
        districts=district_names(session, language()),
        **_shared(),
    )


def _cursor(row: Any) -> str:
    place = Place(row.score, row.pipe_id)
    return f"{place.score}_{place.number}"


@blueprint.get("/segments/export.csv")
@requires("safety.read")
@web_transaction
def export_segments(session: Session) -> ResponseReturnValue:
    """Give the filtered segments as CSV; the export is audited."""
    scope, names, districts = current_actor().scope, enterprise_names(session), district_names(session, language())
    colours, unknown = colour_names(), gettext("not filed")
    made = CsvFile(
        [
            gettext("Pipe code"),
            gettext("Road"),
            gettext("Colour"),
            gettext("Score"),
            "L",
            "C",
            gettext("Failures expected a year"),
            gettext("Length, m"),
            gettext("Pressure class"),
            gettext("Material"),
            gettext("Outside diameter, mm"),
            gettext("Age, years"),
            gettext("Impact radius, m"),
            gettext("People by day"),
            gettext("People at night"),
            gettext("Open works sites"),
            gettext("Leaks in 24 months"),
            gettext("Enterprise"),
            gettext("District"),
            gettext("Model version"),
            gettext("Worked out at"),
        ]
    )
    for row in segments_listed(session, parse_filter(request.args), scope=scope, ageing_years=_ageing(session)):
        made.add(
            [
                row.src_code,
                row.road_name,
                colours[row.colour],
                row.score,
                row.likelihood,
                row.consequence,
                f"{row.expected:.3g}",
                round(row.length_m, 1),
                word_of("pressure_class", row.pressure_class, language()),
                word_of("material", row.material, language()),
                row.od_mm,
                unknown if row.age_years is None else row.age_years,
                round(row.radius_m, 1),
                row.people_day,
                row.people_night,
                row.works_n,
                row.leaks_n,
                names.get(row.enterprise_id, ""),
                districts.get(row.adcode or "", row.adcode),
                row.model_id,
                local(row.computed_at).strftime("%Y-%m-%d %H:%M"),
            ]
        )
    note_export(session, "risk_segment", made.rows)
    return made.answer(f"risk-{local(utc_now()):%Y%m%d-%H%M}.csv")


@blueprint.get("/segments/<int:pipe_id>")
@requires("safety.read")
@web_transaction
def show_segment(session: Session, pipe_id: int) -> ResponseReturnValue:
    """Show what the colour of a segment follows from: every factor, the consequence, the version, and former colours."""
    scope = current_actor().scope
    segment = find_segment(session, pipe_id, scope=scope)
    pipe = find_object(session, scope, "pipe", pipe_id)
    model = model_numbered(session, segment.model_id)
    return render_template(
        "risk/segment.html",
        segment=segment,
        pipe=pipe,
        model=model,
        lines=factor_lines(segment, model, language()),
        probability=float(failure_probability(segment.expected)),
        rates=[rate_words(each) for each in (segment.log_rate_low, segment.log_rate, segment.log_rate_high)],
        hca=hca_words(segment),
        over=overbuilds(session, scope, pipe_id=pipe_id),
        changes=changes_of(session, scope, pipe_id),
        place=place_of_pipe(session, pipe_id),
        enterprise=enterprise_names(session).get(segment.enterprise_id, ""),
        district=district_names(session, language()).get(segment.adcode or "", ""),
        buildings=building_words(),
        **_shared(),
    )


def building_words() -> dict[str, str]:
    """Return the words of the kinds of buildings."""
    return {
        "residential": gettext("Residential building"),
        "commercial": gettext("Commercial building"),
        "office": gettext("Office building"),
        "industrial": gettext("Industrial building"),
        "school": gettext("School"),
        "hospital": gettext("Hospital"),
        "public": gettext("Public building"),
    }


@blueprint.get("/overbuilds")
@requires("safety.read")
@web_transaction
def list_overbuilds(session: Session) -> ResponseReturnValue:
    """Show buildings over pipes and in their protection zones, those on the pipe first."""
    begin = parse_offset(request.args, OVERBUILD_MOST)
    rows = overbuilds(session, current_actor().scope, after=begin)
    before = max(0, begin - PAGE_ROWS)
    return render_template(
        "risk/overbuilds.html",
        rows=rows[:PAGE_ROWS],
        links={
            "prev": url_for(".list_overbuilds", **({"from": before} if before else {})) if begin else None,
            "next": url_for(".list_overbuilds", **{"from": begin + PAGE_ROWS}) if len(rows) > PAGE_ROWS else None,
        },
        buildings=building_words(),
        enterprises=enterprise_names(session),
        districts=district_names(session, language()),
        **_shared(),
    )


@blueprint.get("/overbuilds/export.csv")
@requires("safety.read")
@web_transaction
def export_overbuilds(session: Session) -> ResponseReturnValue:
    """Give the buildings over pipes as CSV; the export is audited."""
    names, districts, buildings = enterprise_names(session), district_names(session, language()), building_words()
    made = CsvFile(
        [
            gettext("Pipe code"),
            gettext("Road"),
            gettext("Pressure class"),
            gettext("Building"),
            gettext("On the pipe"),
            gettext("Distance, m"),
            gettext("Length under the building, m"),
            gettext("Enterprise"),
            gettext("District"),
            gettext("Longitude"),
            gettext("Latitude"),
        ]
    )
    for row in overbuilds(session, current_actor().scope, limit=OVERBUILD_MOST):
        of = row.RiskOverbuild
        made.add(
            [
                row.src_code,
                row.road_name,
                word_of("pressure_class", row.pressure_class, language()),
                row.building_name or buildings.get(row.building_kind, row.building_kind),
                gettext("yes") if of.hard else gettext("no"),
                round(of.distance_m, 2),
                round(of.length_m, 1),
                names.get(of.enterprise_id, ""),
                districts.get(of.adcode or "", of.adcode),
                round(row.lon, 6),
                round(row.lat, 6),
            ]
        )
    note_export(session, "risk_overbuild", made.rows)
    return made.answer(f"overbuilds-{local(utc_now()):%Y%m%d-%H%M}.csv")


@blueprint.get("/works")
@requires("safety.read")
@web_transaction
def list_works(session: Session) -> ResponseReturnValue:
    """Show the works sites in the protection and control zones of pipes, the nearest first."""
    return render_template(
        "risk/works.html",
        rows=sites_in_zones(session, current_actor().scope, SITES_MOST),
        most=SITES_MOST,
        methods=words_of("works_method", language()),
        states=words_of("works_status", language()),
        enterprises=enterprise_names(session),
        districts=district_names(session, language()),
        **_shared(),
    )


@blueprint.get("/stations")
@requires("safety.read")
@web_transaction
def list_stations(session: Session) -> ResponseReturnValue:
    """Show the stations that store gas with the level of their major hazard."""
    return render_template(
        "risk/stations.html",
        rows=station_hazards(session, current_actor().scope),
        kinds=words_of("station_kind", language()),
        enterprises=enterprise_names(session),
        districts=district_names(session, language()),
        **_shared(),
    )


@blueprint.get("/calibration")
@requires("safety.read")
def show_calibration() -> ResponseReturnValue:
    """Show failures predicted against failures filed since the enterprises began to file."""
    with opened(worker=True) as session:
        model = released_model(session)
        found = calibration(session, model, utc_now())
    return render_template(
        "risk/calibration.html",
        found=found,
        model=model,
        kinds={each: figure_words("base", each) for each in model["base"].bands},
        most=max((max(each.high, each.expected) for each in found.fit.bins), default=1.0) if found else 1.0,
        years_most=YEARS_MOST,
        **_shared(),
    )
