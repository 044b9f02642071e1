"""Devices with life cycle, certificates and firmware, meters by the million, and outages located at their cause."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

DEVICES = Path(__file__).parents[1] / "sql" / "devices.sql"
TABLES = (
    "device", "device_history", "device_point", "device_step", "device_certificate", "device_day", "firmware_campaign",
    "gas_meter", "gas_meter_history", "meter_reading", "meter_latest", "outage", "clock_watch",
)


def upgrade() -> None:
    """Apply."""
    op.get_bind().exec_driver_sql(DEVICES.read_text(encoding="utf-8").replace("%", "%%"))


def downgrade() -> None:
    """Take the tables away again, with what they hold."""
    op.execute("drop view meter_reading_seen")
    op.execute("drop view meter_latest_seen")
    for table in reversed(TABLES):
        op.execute(f"drop table {table}")
    op.execute("drop function link_late_meter_readings(int[], timestamptz[])")
    op.execute("drop function ensure_meter_month(date)")
    op.execute("drop function keep_certificate()")
