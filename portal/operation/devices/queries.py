"""Reads of devices, always within a scope: lists, one device with its life, certificates, campaigns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Select, func, or_, select, text
from sqlalchemy.orm import Session

from portal.accounts.models import Enterprise
from portal.core.actor import Scope
from portal.core.errors import NotFound
from portal.core.paging import equals
from portal.core.scoping import in_scope
from portal.core.sql import load_sql
from portal.operation.devices.finding import BIGGEST_ID, PAGE_ROWS, NumberPage, numbers_beginning, page_by_number
from portal.operation.devices.models import Device, DeviceCertificate, DeviceDay, DeviceStep, FirmwareCampaign
from portal.operation.devices.rules import REMOVED, progress_of

HERE = str(Path(__file__).parent)
COUNT_MOST, EXPORT_MOST, SHOWN_MOST = 10_000, 50_000, 200
FAULTY, REPAIR = 3, 5


@dataclass(frozen=True)
class DeviceFilter:
    """What a list of devices is narrowed to; `due` is overdue or soon."""

    kind: int | None = None
    status: int | None = None
    state: int | None = None
    enterprise_id: int | None = None
    adcode: str | None = None
    maker: str | None = None
    model: str | None = None
    due: str = ""
    words: str = ""


def _listed() -> Select[Any]:
    listed: Select[Any] = select(
        Device.id, Device.src_code, Device.name, Device.kind, Device.status, Device.state, Device.state_at, Device.maker,
        Device.model, Device.firmware, Device.calibration_due_on, Device.object_code, Device.adcode, Device.enterprise_id,
        Device.comm, Device.battery_percent, Device.serial, Device.installed_on,
    )  # fmt: skip
    return listed


def _narrowed(wanted: DeviceFilter, scope: Scope, today: date, warn_days: int) -> list[Any]:
    parts = [in_scope(scope, Device.enterprise_id, Device.adcode)]
    parts += equals(
        {
            Device.kind: wanted.kind, Device.status: wanted.status, Device.state: wanted.state,
            Device.enterprise_id: wanted.enterprise_id, Device.adcode: wanted.adcode, Device.maker: wanted.maker,
            Device.model: wanted.model,
        }
    )  # fmt: skip
    if wanted.due:
        parts.append(Device.status < REMOVED)
    if wanted.due == "overdue":
        parts.append(Device.calibration_due_on < today)
    elif wanted.due == "soon":
        parts.append(Device.calibration_due_on.between(today, today + timedelta(days=warn_days)))
    return parts


def devices_page(
    session: Session, wanted: DeviceFilter, *, place: tuple[int, bool], scope: Scope, today: date, warn_days: int
) -> NumberPage:
    """Return one page of devices by number; words find by the beginning of code or serial number, one page."""
    asked = _listed().where(*_narrowed(wanted, scope, today, warn_days))
    if wanted.words:
        numbers = numbers_beginning(session, "device", ("src_code", "serial"), wanted.words, PAGE_ROWS)
        rows = session.execute(asked.where(Device.id.in_(numbers)).order_by(Device.src_code)).all()
        return NumberPage(rows, has_before=False, has_after=False)
    return page_by_number(session, asked, Device.id, place)


def devices_listed(
    session: Session, wanted: DeviceFilter, *, scope: Scope, today: date, warn_days: int
) -> Iterator[Any]:
    """Give the devices of a filter by number, up to the most an export holds."""
    asked = _listed().where(*_narrowed(wanted, scope, today, warn_days))
    if wanted.words:
        asked = asked.where(
            Device.id.in_(numbers_beginning(session, "device", ("src_code", "serial"), wanted.words, PAGE_ROWS))
        )
    yield from session.execute(asked.order_by(Device.id).limit(EXPORT_MOST).execution_options(yield_per=1000))


def device_counts(session: Session, scope: Scope, today: date, warn_days: int) -> dict[str, int]:
    """Return how many devices need somebody, each counted up to the most."""
    wanted = {
        "faulty": DeviceFilter(state=FAULTY),
        "repair": DeviceFilter(status=REPAIR),
        "overdue": DeviceFilter(due="overdue"),
        "soon": DeviceFilter(due="soon"),
    }
    found = {}
    for name, each in wanted.items():
        some = select(Device.id).where(*_narrowed(each, scope, today, warn_days)).limit(COUNT_MOST)
        found[name] = int(session.scalar(select(func.count()).select_from(some.subquery())) or 0)
    return found


def find_device(session: Session, device_id: int, *, scope: Scope) -> Device:
    """Return one device; raise NotFound outside the scope."""
    found = None
    if 0 < device_id <= BIGGEST_ID:
        found = session.scalar(
            select(Device).where(Device.id == device_id, in_scope(scope, Device.enterprise_id, Device.adcode))
        )
    if found is None:
        raise NotFound("device", device_id=device_id)
    return found


def place_of_device(session: Session, device_id: int) -> tuple[float, float] | None:
    """Return longitude and latitude of a device, None when it has no place."""
    row = session.execute(
        select(func.ST_X(Device.geom), func.ST_Y(Device.geom)).where(Device.id == device_id)
    ).one_or_none()
    return (row[0], row[1]) if row is not None and row[0] is not None else None


def steps_of(session: Session, device_id: int) -> Sequence[DeviceStep]:
    """Return the steps of a device's life, oldest first."""
    return session.scalars(
        select(DeviceStep).where(DeviceStep.device_id == device_id).order_by(DeviceStep.at, DeviceStep.id)
    ).all()


def certificates_of(session: Session, device_id: int) -> Sequence[DeviceCertificate]:
    """Return the certificates of a device, the newest first."""
    wanted = select(DeviceCertificate).where(DeviceCertificate.device_id == device_id)
    return session.scalars(wanted.order_by(DeviceCertificate.issued_on.desc().nulls_last())).all()


def operations_of(session: Session, device_id: int) -> tuple[int, int]:
    """Return operations and accident operations of a device counted from readings."""
    row = session.execute(
        select(func.coalesce(func.sum(DeviceDay.operations), 0), func.coalesce(func.sum(DeviceDay.accidents), 0)).where(
            DeviceDay.device_id == device_id
        )
    ).one()
    return int(row[0] - row[1]), int(row[1])


def points_fed(session: Session, device_id: int) -> Sequence[Any]:
    """Return the points a device feeds, or the devices behind a gateway feed, with their newest readings."""
    return session.execute(load_sql(HERE, "points_fed"), {"device": device_id, "most": SHOWN_MOST}).all()


def devices_behind(session: Session, device_id: int) -> Sequence[Any]:
    """Return the devices that send through a gateway."""
    wanted = _listed().where(Device.gateway_id == device_id, Device.status < REMOVED)
    return session.execute(wanted.order_by(Device.src_code).limit(SHOWN_MOST)).all()


def devices_of_object(session: Session, scope: Scope, object_type: str, object_id: int) -> Sequence[Any]:
    """Return the devices of an object of the network."""
    wanted = _listed().where(
        Device.object_type == object_type, Device.object_id == object_id, Device.status < REMOVED,
        in_scope(scope, Device.enterprise_id, Device.adcode),
    )  # fmt: skip
    return session.execute(wanted.order_by(Device.kind, Device.id).limit(SHOWN_MOST)).all()


def former_firmware(session: Session, device_id: int) -> Sequence[Any]:
    """Return former firmware versions of a device and until when each was reported."""
    return session.execute(
        text(
            "select firmware, valid_to from device_history where id = :id and firmware is not null order by valid_to desc limit 20"
        ),
        {"id": device_id},
    ).all()


def campaigns(session: Session) -> list[tuple[FirmwareCampaign, dict[str, int]]]:
    """Return the campaigns, open ones first, each with the progress of the devices in scope."""
    found = session.scalars(
        select(FirmwareCampaign).order_by(
            FirmwareCampaign.closed_at.is_not(None), FirmwareCampaign.due_on, FirmwareCampaign.id.desc()
        ).limit(SHOWN_MOST)
    ).all()
    return [(each, progress_of(versions_of(session, each), each.target)) for each in found]


def find_campaign(session: Session, campaign_id: int) -> FirmwareCampaign:
    """Return one campaign the caller may see; raise NotFound for another."""
    found = session.get(FirmwareCampaign, campaign_id) if 0 < campaign_id < 2**31 else None
    if found is None:
        raise NotFound("firmware_campaign", campaign_id=campaign_id)
    return found


def _concerned(campaign: FirmwareCampaign) -> list[Any]:
    parts = [Device.maker == campaign.maker, Device.model == campaign.model, Device.status < REMOVED]
    return [*parts, Device.enterprise_id == campaign.enterprise_id] if campaign.enterprise_id else parts


def versions_of(session: Session, campaign: FirmwareCampaign) -> list[tuple[str | None, int | None, int]]:
    """Return version, upgrade result and number of the devices a campaign concerns."""
    rows = session.execute(
        select(Device.firmware, Device.firmware_result, func.count())
        .where(*_concerned(campaign))
        .group_by(Device.firmware, Device.firmware_result)
        .order_by(func.count().desc())
    )
    return [(row[0], row[1], row[2]) for row in rows]


def devices_with(
    session: Session, campaign: FirmwareCampaign, versions: Sequence[str | None], limit: int = SHOWN_MOST
) -> Sequence[Any]:
    """Return the devices of a campaign that report one of some versions."""
    named = [each for each in versions if each is not None]
    unknown = Device.firmware.is_(None) if None in versions else None
    wanted = Device.firmware.in_(named) if unknown is None else or_(Device.firmware.in_(named), unknown)
    return session.execute(_listed().where(*_concerned(campaign), wanted).order_by(Device.id).limit(limit)).all()


def enterprise_names(session: Session) -> dict[int, str]:
    """Return number -> short name of the enterprises."""
    rows = session.execute(select(Enterprise.id, Enterprise.short_name).order_by(Enterprise.short_name))
    return {row[0]: row[1] for row in rows}


def figure(session: Session, key: str, usual: float) -> float:
    """Return an adjustable figure."""
    found = session.scalar(text("select value from parameter where key = :key"), {"key": key})
    return usual if found is None else float(found)
