"""Changes to firmware campaigns: opening one, closing it; both audited."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session

from portal.accounts.queries import enterprise_by_id
from portal.audit.services import record
from portal.core.actor import Actor
from portal.core.errors import Conflict, NotAllowed
from portal.operation.devices.models import FirmwareCampaign
from portal.operation.devices.queries import find_campaign


@dataclass(frozen=True)
class NewCampaign:
    """What a campaign is to reach."""

    title: str
    maker: str
    model: str
    target: str
    due_on: date
    reason: str
    enterprise_id: int | None = None


def open_campaign(session: Session, wanted: NewCampaign, *, actor: Actor) -> FirmwareCampaign:
    """Open a campaign; raise NotAllowed outside the whole city's scope, NotFound for an unknown enterprise."""
    if not actor.scope.whole_city:
        raise NotAllowed("campaign_city_only")
    if wanted.enterprise_id is not None:
        enterprise_by_id(session, wanted.enterprise_id)
    campaign = FirmwareCampaign(**vars(wanted), opened_by=actor.shown_name)
    session.add(campaign)
    session.flush()
    record(
        session, actor, "firmware_campaign.open", object_type="firmware_campaign", object_id=campaign.id,
        enterprise_id=wanted.enterprise_id, after=vars(wanted) | {"due_on": wanted.due_on.isoformat()},
    )  # fmt: skip
    return campaign


def close_campaign(session: Session, campaign_id: int, *, now: datetime, actor: Actor) -> FirmwareCampaign:
    """Close a campaign; raise Conflict when it already is."""
    if not actor.scope.whole_city:
        raise NotAllowed("campaign_city_only")
    campaign = find_campaign(session, campaign_id)
    if campaign.closed_at is not None:
        raise Conflict("campaign_closed", campaign_id=campaign_id)
    campaign.closed_at, campaign.closed_by = now, actor.shown_name
    session.flush()
    record(
        session, actor, "firmware_campaign.close", object_type="firmware_campaign", object_id=campaign.id,
        enterprise_id=campaign.enterprise_id, after={"closed_by": actor.shown_name},
    )  # fmt: skip
    return campaign
