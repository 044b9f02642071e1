"""The contract: what an enterprise sends, in our words and our units, one typed record a dataset.

Checking, the OpenAPI document, the human page and sample files are all made from these types.
Coordinates are CGCS2000 (EPSG:4490), longitude first. Codes are those of `portal/core/data/codes.csv`:
a field marked `dict` accepts only codes of that dictionary. Null means unknown. In records made of
`Filed` a field left out keeps what was sent before; in the others it means unknown as well.
"""

from __future__ import annotations

from ingestion_adapters.contract.base import (
    Code,
    Filed,
    Instant,
    Lat,
    LineString,
    Lon,
    Placed,
    Record,
    Text,
    Uscc,
    coded,
    said,
)
from ingestion_adapters.contract.emergency import (
    Drill,
    EmergencyPlan,
    EmergencySupply,
    EmergencyTeam,
    Incident,
    ReadinessRecord,
)
from ingestion_adapters.contract.enterprise import Certificate, Enterprise, Person
from ingestion_adapters.contract.network import (
    Device,
    DeviceCertificate,
    Meter,
    NetworkObject,
    Node,
    Pipe,
    Point,
    Regulator,
    Station,
    User,
    Valve,
)
from ingestion_adapters.contract.operation import AlarmPush, Reading
from ingestion_adapters.contract.safety import HiddenDanger, HouseholdCheck, Patrol, WorksOperation, WorksSite
from ingestion_adapters.contract.supply import DailySupply, MonthlyReport

__all__ = [
    "DATASETS",
    "KEYS",
    "AlarmPush",
    "Certificate",
    "Code",
    "DailySupply",
    "Device",
    "DeviceCertificate",
    "Drill",
    "EmergencyPlan",
    "EmergencySupply",
    "EmergencyTeam",
    "Enterprise",
    "Filed",
    "HiddenDanger",
    "HouseholdCheck",
    "Incident",
    "Instant",
    "Lat",
    "LineString",
    "Lon",
    "Meter",
    "MonthlyReport",
    "NetworkObject",
    "Node",
    "Patrol",
    "Person",
    "Pipe",
    "Placed",
    "Point",
    "Reading",
    "ReadinessRecord",
    "Record",
    "Regulator",
    "Station",
    "Text",
    "User",
    "Uscc",
    "Valve",
    "WorksOperation",
    "WorksSite",
    "coded",
    "said",
]

DATASETS: dict[str, type] = {
    "ENT": Enterprise,
    "NET": NetworkObject,  # type: ignore[dict-item]  # a union of tagged records
    "USR": User,
    "RT": Reading,
    "ALM": AlarmPush,
    "DAY": DailySupply,
    "MTH": MonthlyReport,
    "PAT": Patrol,
    "CHK": HouseholdCheck,
    "HAZ": HiddenDanger,
    "EXC": WorksSite,
    "EVT": Incident,
    "DRL": ReadinessRecord,  # type: ignore[dict-item]  # a union of tagged records
}

# The field that names a filed record within its enterprise.
KEYS: dict[type, str] = {
    MonthlyReport: "month",
    Patrol: "task_no",
    HouseholdCheck: "check_no",
    HiddenDanger: "hazard_no",
    WorksSite: "site_no",
    Incident: "event_no",
    Drill: "drill_no",
    EmergencyPlan: "plan_no",
    EmergencySupply: "item_no",
    EmergencyTeam: "team_no",
}
