"""Imports every models module, so that the migrations see all tables."""

import gis.basemap.models
import gis.borders.models
import gis.network.models
import gis.risk.models
import gis.search.models
import ingestion_adapters.backfill.models
import ingestion_adapters.defence.models
import ingestion_adapters.mapping.models
import ingestion_adapters.models
import ingestion_adapters.onboarding.models
import ingestion_adapters.pull.models
import ingestion_adapters.quality.models
import ingestion_adapters.upward.models
import portal.accounts.enterprise_models
import portal.accounts.models
import portal.audit.models
import portal.cockpit.models
import portal.emergency.drills.models
import portal.emergency.incidents.models
import portal.events.models
import portal.home.models
import portal.jobs.models
import portal.network.hydraulics.models
import portal.network.models
import portal.operation.alarms.models
import portal.operation.desk.models
import portal.operation.devices.models
import portal.operation.escalation.models
import portal.operation.limits.models
import portal.operation.meters.models
import portal.operation.outages.models
import portal.operation.stations.models
import portal.operation.telemetry.models
import portal.proposals.models
import portal.safety.checks.models
import portal.safety.hidden_dangers.models
import portal.safety.patrols.models
import portal.safety.works.models
import portal.supply.models
import reports.models
from portal.core.db import Base

metadata = Base.metadata
