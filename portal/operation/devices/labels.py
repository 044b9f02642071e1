"""How devices read on pages: rows of the list, facts, steps of their life, hours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from flask_babel import gettext

from portal.core.clock import local
from portal.core.codes import word_of
from portal.operation.devices.models import Device, DeviceStep
from portal.operation.devices.rules import COUNTERS, hours_by_status

_TONES = {1: "ok", 2: "warn", 3: "bad", 4: "info"}
_LIFE_TONES = {2: "ok", 3: "", 4: "warn", 5: "warn", 6: "bad", 7: "bad"}


def state_tone(state: int | None) -> str:
    """Return the tone of a live state."""
    return _TONES.get(state or 0, "")


def row_shown(
    row: Any, language: str, enterprises: Mapping[int, str], districts: Mapping[str, str], due: str
) -> dict[str, Any]:
    """Return a device as a row of the list."""
    return {
        "id": row.id,
        "code": row.src_code,
        "name": row.name or "",
        "kind": word_of("device_kind", row.kind, language),
        "life": word_of("life_status", row.status, language),
        "life_tone": _LIFE_TONES.get(row.status, ""),
        "state": word_of("sensor_state", row.state, language),
        "tone": state_tone(row.state),
        "enterprise": enterprises.get(row.enterprise_id, ""),
        "district": districts.get(row.adcode or "", row.adcode or ""),
        "object": row.object_code or "",
        "maker": " ".join(filter(None, (row.maker, row.model))),
        "firmware": row.firmware or "",
        "due_on": row.calibration_due_on,
        "due": due,
    }


def device_facts(
    device: Device, language: str, enterprises: Mapping[int, str], districts: Mapping[str, str]
) -> list[tuple[str, Any]]:
    """Return terms and values of a device; what is unknown is left out."""

    def told(value: float | None, unit: str) -> str | None:
        return None if value is None else f"{value:g} {unit}".strip()

    span = None if device.range_low is None else f"{device.range_low:g} – {device.range_high or 0:g} {device.unit or ''}"
    marks = [
        word
        for flag, word in (
            (device.key_device, gettext("Key equipment")),
            (device.controlled, gettext("Controlled device")),
            (device.intelligent, gettext("Intelligent device")),
            (device.one_key_shut, gettext("Emergency one-key shut-off")),
        )
        if flag
    ]
    rows: list[tuple[str, Any]] = [
        (gettext("Device code"), device.src_code),
        (gettext("Kind"), word_of("device_kind", device.kind, language)),
        (gettext("Enterprise"), enterprises.get(device.enterprise_id)),
        (gettext("District"), districts.get(device.adcode or "", device.adcode)),
        (gettext("Object"), device.object_code),
        (gettext("Place of installation"), device.install_place),
        (gettext("Maker"), device.maker),
        (gettext("Model"), device.model),
        (gettext("Serial number"), device.serial),
        (gettext("Measuring range"), span),
        (gettext("Accuracy"), told(device.accuracy_percent, "%")),
        (gettext("Communication"), word_of("comm_kind", device.comm, language)),
        (gettext("Sampling period"), told(device.period_s, "s")),
        (gettext("Upload period"), told(device.upload_s, "s")),
        (gettext("Heartbeat"), told(device.heartbeat_s, "s")),
        (gettext("Power supply"), word_of("power_kind", device.power, language)),
        (gettext("Battery charge"), told(device.battery_percent, "%")),
        (gettext("IoT platform"), " ".join(filter(None, (device.platform, device.platform_id)))),
        (gettext("Installed on"), device.installed_on),
        (gettext("Last calibrated on"), device.calibrated_on),
        (gettext("Calibration due on"), device.calibration_due_on),
        (gettext("Firmware"), device.firmware),
        (gettext("Result of the upgrade"), word_of("upgrade_result", device.firmware_result, language)),
        (gettext("Replaces"), device.replaces_code),
        (gettext("Marks"), "、".join(marks) if language.startswith("zh") else ", ".join(marks)),
    ]
    return [(term, value) for term, value in rows if value not in (None, "")]


def life_shown(steps: Sequence[DeviceStep], language: str) -> list[dict[str, Any]]:
    """Return the steps of a device's life as a timeline, the newest first."""
    return [
        {
            "at": each.at,
            "title": word_of("life_status", each.to_status, language),
            "text": " · ".join(filter(None, (each.reason, each.document))),
            "who": each.said_by,
            "tone": _LIFE_TONES.get(each.to_status, ""),
        }
        for each in reversed(steps)
    ]


def hours_shown(device: Device, steps: Sequence[DeviceStep], now: datetime) -> list[tuple[str, str, str]]:
    """Return name, hours that follow from the steps of its life, and hours the enterprise reports."""
    derived = hours_by_status([(each.at, each.to_status) for each in steps], now)
    names = {
        "run_h": gettext("Running time"), "standby_h": gettext("Standing by"), "repair_h": gettext("In maintenance"),
        "stopped_h": gettext("Out of service"),
    }  # fmt: skip
    said = {"run_h": device.run_h, "standby_h": device.standby_h, "repair_h": device.repair_h}
    rows = [
        (names[name], f"{derived[name]:,.1f}", "–" if said.get(name) is None else f"{said[name]:,.1f}")
        for name in COUNTERS
    ]
    begin = next((local(each.at) for each in steps if each.to_status in (2, 3, 4, 5)), None)
    since = gettext("Sum since %(day)s", day=begin.date().isoformat()) if begin else gettext("Sum")
    return [*rows, (since, f"{sum(derived.values()):,.1f}", "–")]
