"""Works sites in the protection and control zones of pipes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from portal.core.actor import Scope
from portal.core.sql import load_sql
from portal.safety.risk.compute import BOX_DEG

HERE = str(Path(__file__).parent)


def sites_in_zones(session: Session, scope: Scope, most: int) -> Sequence[Any]:
    """Return the open works sites within a control zone, those within a protection zone first, with the pipe concerned."""
    return session.execute(
        load_sql(HERE, "sites"),
        {
            "all_sites": scope.whole_city,
            "enterprises": sorted(scope.enterprise_ids),
            "districts": sorted(scope.adcodes),
            "box_deg": BOX_DEG,
            "most": most,
        },
    ).all()
