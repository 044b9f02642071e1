"""The layer of running proposals: where somebody would have the network corrected."""

from __future__ import annotations

from gis.tiles.layer import Past, VectorLayer

# Of a past day: proposed before and not settled before; the steps say when a state was reached.
_SETTLED = "not exists (select 1 from network_proposal_step s where s.proposal_id = t.id and s.at < :at and s.state in (3, 4, 5))"
PROPOSAL = VectorLayer(
    "proposal",
    "network_proposal t",
    "t.state as s, t.layer as y, case when t.conflicts = '{}'::jsonb then 0 else 1 end as x, t.object_code as n",
    "live",
    keep=lambda _zoom: "t.state in (1, 2)",
    past=Past(
        "network_proposal t",
        "1 as s, t.layer as y, 0 as x, t.object_code as n",
        keep=lambda _zoom: f"t.proposed_at < :at and {_SETTLED}",
    ),
)
MAP_LAYERS = [PROPOSAL]
