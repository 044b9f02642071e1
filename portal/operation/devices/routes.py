"""The device pages: list, one device, export, calibration due, firmware campaigns."""

from __future__ import annotations

from functools import partial

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, gettext
from sqlalchemy.orm import Session

from gis.basemap.queries import district_names
from portal.audit.services import record
from portal.core.clock import local, utc_now
from portal.core.codes import word_of, words_of
from portal.core.exports import CsvFile
from portal.core.web import current_actor, requires, web_transaction
from portal.operation.devices.finding import NumberPage, parse_place
from portal.operation.devices.forms import parse_campaign, parse_filter
from portal.operation.devices.labels import device_facts, hours_shown, life_shown, row_shown, state_tone
from portal.operation.devices.queries import (
    COUNT_MOST,
    campaigns,
    certificates_of,
    device_counts,
    devices_behind,
    devices_listed,
    devices_page,
    devices_with,
    enterprise_names,
    figure,
    find_campaign,
    find_device,
    former_firmware,
    operations_of,
    place_of_device,
    points_fed,
    steps_of,
    versions_of,
)
from portal.operation.devices.rules import due_state, is_behind, kept_until, progress_of
from portal.operation.devices.services import close_campaign, open_campaign

blueprint = Blueprint("devices", __name__, url_prefix="/operation/devices")
FILTERS = ("kind", "status", "state", "enterprise", "district", "maker", "model", "due", "q")
WARN_DAYS, KEEP_YEARS = 30.0, 5.0


def language() -> str:
    """Return the caller's language as the code tables know it."""
    return str(get_locale() or "zh_CN")


def _warn_days(session: Session) -> int:
    return int(figure(session, "device.calibration_warn_days", WARN_DAYS))


def _kept() -> dict[str, str]:
    return {name: request.args[name] for name in FILTERS if request.args.get(name)}


def links_of(page: NumberPage, endpoint: str, kept: dict[str, str]) -> dict[str, str | None]:
    """Return the addresses of the pages before and after; None at an end."""
    address = partial(url_for, endpoint, **kept)
    return {
        "prev": address(before=page.rows[0].id) if page.rows and page.has_before else None,
        "next": address(after=page.rows[-1].id) if page.rows and page.has_after else None,
    }


@blueprint.get("")
@requires("alarm.read")
@web_transaction
def show_devices(session: Session) -> ResponseReturnValue:
    """Show the devices of the caller's scope, narrowed by filters or found by the beginning of a code."""
    scope, wanted, today = current_actor().scope, parse_filter(request.args), local(utc_now()).date()
    warn, names = _warn_days(session), enterprise_names(session)
    page = devices_page(
        session, wanted, place=parse_place(request.args), scope=scope, today=today, warn_days=warn
    )
    districts = district_names(session, language())
    return render_template(
        "operation/devices.html",
        rows=[row_shown(row, language(), names, districts, due_state(row.calibration_due_on, today, warn)) for row in page.rows],
        wanted=wanted,
        counts=device_counts(session, scope, today, warn),
        count_most=COUNT_MOST,
        warn_days=warn,
        choices={
            "kind": words_of("device_kind", language()).items(),
            "status": words_of("life_status", language()).items(),
            "state": words_of("sensor_state", language()).items(),
        },
        enterprises=names,
        districts=districts,
        narrowed=bool(_kept()),
        links=links_of(page, ".show_devices", _kept()),
        export_url=url_for(".export", **_kept()),
    )


@blueprint.get("/export.csv")
@requires("alarm.read")
@web_transaction
def export(session: Session) -> ResponseReturnValue:
    """Give the filtered devices as CSV for spreadsheets; the export is audited."""
    actor, names, districts = current_actor(), enterprise_names(session), district_names(session, language())
    today, warn = local(utc_now()).date(), _warn_days(session)
    made = CsvFile(
        [
            gettext("Device code"), gettext("Name"), gettext("Kind"), gettext("Life cycle"), gettext("Live state"),
            gettext("Enterprise"), gettext("District"), gettext("Object"), gettext("Maker"), gettext("Model"),
            gettext("Serial number"), gettext("Firmware"), gettext("Installed on"), gettext("Calibration due on"),
        ]
    )  # fmt: skip
    for row in devices_listed(session, parse_filter(request.args), scope=actor.scope, today=today, warn_days=warn):
        cells = [
            row.src_code, row.name, word_of("device_kind", row.kind, language()),
            word_of("life_status", row.status, language()), word_of("sensor_state", row.state, language()),
            names.get(row.enterprise_id, ""), districts.get(row.adcode or "", row.adcode), row.object_code, row.maker,
            row.model, row.serial, row.firmware, row.installed_on, row.calibration_due_on,
        ]  # fmt: skip
        made.add(cells)
    record(session, actor, "device.export", object_type="device", after={"rows": made.rows})
    return made.answer(f"devices-{local(utc_now()):%Y%m%d-%H%M}.csv")


@blueprint.get("/<int:device_id>")
@requires("alarm.read")
@web_transaction
def show_device(session: Session, device_id: int) -> ResponseReturnValue:
    """Show one device: what it is, its life, hours, operations, certificates, points and firmware."""
    actor, now = current_actor(), utc_now()
    device = find_device(session, device_id, scope=actor.scope)
    steps, today = steps_of(session, device_id), local(now).date()
    years = int(figure(session, "device.certificate_keep_years", KEEP_YEARS))
    replaced_on = local(device.replaced_at).date() if device.replaced_at else None
    normal, accidents = operations_of(session, device_id)
    return render_template(
        "operation/device.html",
        device=device,
        title=device.name or device.src_code,
        life=word_of("life_status", device.status, language()),
        state=word_of("sensor_state", device.state, language()),
        tone=state_tone(device.state),
        due=due_state(device.calibration_due_on, today, _warn_days(session)),
        facts=device_facts(device, language(), enterprise_names(session), district_names(session, language())),
        steps=life_shown(steps, language()),
        hours=hours_shown(device, steps, now),
        operations={"normal": normal, "accidents": accidents},
        certificates=[
            {"of": each, "kind": word_of("device_certificate_kind", each.kind, language()), "due": due_state(each.expires_on, today, 90)}
            for each in certificates_of(session, device_id)
        ],
        keep_years=years,
        kept_until=kept_until(replaced_on, years),
        points=points_fed(session, device_id),
        behind=devices_behind(session, device_id),
        former=former_firmware(session, device_id),
        place=place_of_device(session, device_id),
        measures=words_of("measure", language()),
        states=words_of("sensor_state", language()),
    )


@blueprint.get("/firmware")
@requires("alarm.read")
@web_transaction
def show_campaigns(session: Session) -> ResponseReturnValue:
    """Show the firmware campaigns with their progress, and a form for a new one."""
    return render_template(
        "operation/firmware.html",
        campaigns=campaigns(session),
        enterprises=enterprise_names(session),
        today=local(utc_now()).date(),
        may_open=current_actor().may("case.open") and current_actor().scope.whole_city,
    )


@blueprint.post("/firmware")
@requires("case.open")
@web_transaction
def create_campaign(session: Session) -> ResponseReturnValue:
    """Open a firmware campaign; form fields title, maker, model, target, due_on, reason, enterprise."""
    campaign = open_campaign(session, parse_campaign(request.form), actor=current_actor())
    flash(gettext("The campaign is open; its progress follows what the enterprises report."), "success")
    return redirect(url_for(".show_campaign", campaign_id=campaign.id))


@blueprint.get("/firmware/<int:campaign_id>")
@requires("alarm.read")
@web_transaction
def show_campaign(session: Session, campaign_id: int) -> ResponseReturnValue:
    """Show one campaign: versions in use, and the devices behind."""
    campaign = find_campaign(session, campaign_id)
    counts = versions_of(session, campaign)
    late = sorted({version for version, _, _ in counts if is_behind(version, campaign.target)}, key=str)
    versions: dict[str | None, int] = {}
    for version, _, devices in counts:
        versions[version] = versions.get(version, 0) + devices
    names = enterprise_names(session)
    return render_template(
        "operation/campaign.html",
        campaign=campaign,
        progress=progress_of(counts, campaign.target),
        versions=[(version, devices, is_behind(version, campaign.target)) for version, devices in versions.items()],
        behind=devices_with(session, campaign, late),
        enterprises=names,
        may_close=campaign.closed_at is None
        and current_actor().may("case.open")
        and current_actor().scope.whole_city,
        today=local(utc_now()).date(),
    )


@blueprint.post("/firmware/<int:campaign_id>/close")
@requires("case.open")
@web_transaction
def end_campaign(session: Session, campaign_id: int) -> ResponseReturnValue:
    """Close a firmware campaign."""
    close_campaign(session, campaign_id, now=utc_now(), actor=current_actor())
    flash(gettext("The campaign is closed."), "success")
    return redirect(url_for(".show_campaign", campaign_id=campaign_id))


